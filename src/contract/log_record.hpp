// Log records that a brain asks for. Typed, since a brain formats nothing; codec/log_line has the words.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "contract/dsn.hpp"
#include "contract/recipient.hpp"
#include "contract/time.hpp"

namespace weir {

// "ID: skipped, still being delivered"
struct LogStillBeingDelivered {
  std::string queue_id;
  template <class V>
  void fields(V&& v) const {
    v("queue_id", queue_id);
  }
  friend bool operator==(const LogStillBeingDelivered&, const LogStillBeingDelivered&) = default;
};

// "ID: from=<SENDER>, status=expired, returned to sender" (or force-expired)
struct LogExpired {
  std::string queue_id, sender;
  bool forced = false;
  template <class V>
  void fields(V&& v) const {
    v("queue_id", queue_id);
    v("sender", sender);
    v("forced", forced);
  }
  friend bool operator==(const LogExpired&, const LogExpired&) = default;
};

enum class ReportWord : std::uint8_t { bounce, verp, delay_warning, trace };

// "ID: status=deferred (bounce failed)"
struct LogReportFailed {
  std::string queue_id;
  ReportWord word{};
  template <class V>
  void fields(V&& v) const {
    v("queue_id", queue_id);
    v("word", word);
  }
  friend bool operator==(const LogReportFailed&, const LogReportFailed&) = default;
};

// A delivery line with relay=none: a recipient that the queue manager disposes of itself.
struct LogDelivery {
  std::string queue_id;
  Recipient recipient;
  Time arrival, active_arrival, now;
  Dsn dsn;
  std::string status;  // "sent", "deferred", "deliverable", "undeliverable", ...
  template <class V>
  void fields(V&& v) const {
    v("queue_id", queue_id);
    v("recipient", recipient);
    v("arrival", arrival);
    v("active_arrival", active_arrival);
    v("now", now);
    v("dsn", dsn);
    v("status", status);
  }
  friend bool operator==(const LogDelivery&, const LogDelivery&) = default;
};

// "ID: defer service failure" (the configured name of the service)
enum class Service : std::uint8_t { bounce, defer, trace, verify, flush };
struct LogServiceFailure {
  std::string queue_id;
  Service service{};
  template <class V>
  void fields(V&& v) const {
    v("queue_id", queue_id);
    v("service", service);
  }
  friend bool operator==(const LogServiceFailure&, const LogServiceFailure&) = default;
};

// "defer_append: ignoring dsn code "X"" (or sent: ...)
struct LogIgnoredDsn {
  std::string function, code;
  template <class V>
  void fields(V&& v) const {
    v("function", function);
    v("code", code);
  }
  friend bool operator==(const LogIgnoredDsn&, const LogIgnoredDsn&) = default;
};

// "PARAMETER: ignoring malformed or unreasonable feedback: VALUE"
struct LogIgnoredFeedback {
  std::string parameter, text;
  template <class V>
  void fields(V&& v) const {
    v("parameter", parameter);
    v("text", text);
  }
  friend bool operator==(const LogIgnoredFeedback&, const LogIgnoredFeedback&) = default;
};

// The three lines of destination_concurrency_feedback_debug.
struct LogFeedbackSetting {
  std::string transport, parameter;
  int kind = 0;
  int concurrency = 0;
  double value = 0;
  template <class V>
  void fields(V&& v) const {
    v("transport", transport);
    v("parameter", parameter);
    v("kind", kind);
    v("concurrency", concurrency);
    v("value", value);
  }
  friend bool operator==(const LogFeedbackSetting&, const LogFeedbackSetting&) = default;
};
struct LogFeedbackStep {
  bool negative = false;  // qmgr_queue_throttle, else qmgr_queue_unthrottle
  double value = 0;
  template <class V>
  void fields(V&& v) const {
    v("negative", negative);
    v("value", value);
  }
  friend bool operator==(const LogFeedbackStep&, const LogFeedbackStep&) = default;
};
struct LogFeedbackState {
  bool negative = false;
  std::string destination;
  int limit = 0, window = 0;
  double success = 0, failure = 0, cohorts = 0;
  template <class V>
  void fields(V&& v) const {
    v("negative", negative);
    v("destination", destination);
    v("limit", limit);
    v("window", window);
    v("success", success);
    v("failure", failure);
    v("cohorts", cohorts);
  }
  friend bool operator==(const LogFeedbackState&, const LogFeedbackState&) = default;
};

// The clog warnings (several lines): one destination fills the active queue.
struct LogClogged {
  enum class Advice : std::uint8_t { concurrency_limit, active_limit, separate_transport, timeouts };
  std::string nexthop, transport;
  int entries = 0, messages = 0;
  bool slows_others = false;
  Advice advice{};
  int limit = 0;  // the value that the advice speaks of
  template <class V>
  void fields(V&& v) const {
    v("nexthop", nexthop);
    v("transport", transport);
    v("entries", entries);
    v("messages", messages);
    v("slows_others", slows_others);
    v("advice", advice);
    v("limit", limit);
  }
  friend bool operator==(const LogClogged&, const LogClogged&) = default;
};

// "backward time jump detected -- slewing clock" and its end.
struct LogTimeJump {
  bool again = false, recovered = false;
  template <class V>
  void fields(V&& v) const {
    v("again", again);
    v("recovered", recovered);
  }
  friend bool operator==(const LogTimeJump&, const LogTimeJump&) = default;
};

// Debug: the transport that gets the next agent connection. Shown with -v only.
struct LogAllocate {
  std::string transport;
  template <class V>
  void fields(V&& v) const {
    v("transport", transport);
  }
  friend bool operator==(const LogAllocate&, const LogAllocate&) = default;
};

// "transport T failure -- ...": an agent broke off, and its transport is dead for it (Habits::crash_kills_transport).
struct LogTransportFailure {
  std::string transport;
  template <class V>
  void fields(V&& v) const {
    v("transport", transport);
  }
  friend bool operator==(const LogTransportFailure&, const LogTransportFailure&) = default;
};

using LogRecord = std::variant<LogStillBeingDelivered, LogExpired, LogReportFailed, LogDelivery, LogServiceFailure,
                               LogIgnoredDsn, LogIgnoredFeedback, LogFeedbackSetting, LogFeedbackStep, LogFeedbackState,
                               LogClogged, LogTimeJump, LogAllocate, LogTransportFailure>;

}  // namespace weir
