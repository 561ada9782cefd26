// The plain settings a brain works with: values already parsed, checked and expanded.
// Names, units, defaults and bounds of the parameters behind them: contract/parameter.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "contract/time.hpp"

namespace weir {

// One concurrency feedback setting: a constant, or a number divided by the window at the moment of use.
struct Feedback {
  enum class Kind : std::uint8_t { constant = 0, per_concurrency = 1 };

  std::string parameter;    // the name it was found under, for log lines
  std::string text = "1";   // as configured
  bool well_formed = true;  // false: the text is ignored with a warning and acts as the constant 1
  Kind kind = Kind::constant;
  double value = 1.0;

  friend bool operator==(const Feedback&, const Feedback&) = default;
};

// Settings of one transport, as configured; what a rate delay does to them is the brain's rule.
struct TransportConfig {
  int concurrency_limit = 20;  // 0 = none
  int recipient_limit = 50;    // recipients per delivery; 0 = none
  int initial_concurrency = 5;
  Feedback positive_feedback;
  Feedback negative_feedback;
  int failed_cohort_limit = 1;  // 0 = a destination never dies
  Seconds transport_rate_delay{0};
  Seconds destination_rate_delay{0};
  int slot_cost = 5;  // below 2 = no preemption
  int slot_loan = 3;
  int slot_discount = 50;  // percent
  int minimum_slots = 3;
  int recipient_pool = 20000;  // TRANSPORT_recipient_limit: in-memory slots
  int extra_recipients = 1000;
  int refill_limit = 100;
  Seconds refill_delay{5};

  friend bool operator==(const TransportConfig&, const TransportConfig&) = default;
};

struct Config {
  int active_limit = 20000;             // qmgr_message_active_limit
  int message_recipient_limit = 20000;  // qmgr_message_recipient_limit
  int message_recipient_minimum = 10;   // qmgr_message_recipient_minimum
  int initial_concurrency = 5;          // the global value, shown in feedback debug lines
  Seconds minimal_backoff{300};
  Seconds maximal_backoff{4000};
  Seconds maximal_lifetime{5 * 86400};
  Seconds bounce_lifetime{5 * 86400};
  Seconds queue_run_delay{300};
  Seconds transport_retry_time{60};
  Seconds clog_warn_time{300};  // 0 = never warn
  bool helpful_warnings = true;
  bool feedback_debug = false;
  bool disable_verp_bounces = false;
  bool confirm_delay_cleared = false;
  bool verify_negative_cache = true;
  int verify_pending_limit = 5000;
  bool flow_control = true;  // in_flow_delay > 0
  std::vector<std::string> defer_transports;
  std::string default_filter_nexthop;
  std::string myhostname = "localhost";
  std::string recipient_delimiter;
  bool owner_request_special = true;
  std::string double_bounce_sender = "double-bounce";

  TransportConfig default_transport;
  std::map<std::string, TransportConfig> transports;  // those with settings of their own, by name

  [[nodiscard]] const TransportConfig& transport(const std::string& name) const {
    const auto found = transports.find(name);
    return found == transports.end() ? default_transport : found->second;
  }
  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace weir
