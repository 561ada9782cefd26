// What a queue file says about a message as a whole, and one batch of its recipients.
// Format: spec/queue_file.md.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "contract/recipient.hpp"
#include "contract/time.hpp"

namespace weir {

// Trace flags of a message; the same values stand in delivery request flags (spec/services.md).
inline constexpr unsigned kTraceVerifyMta = 256;      // address verification probe
inline constexpr unsigned kTraceVerifyUser = 512;     // sendmail -bv
inline constexpr unsigned kTraceRecord = 1024;        // sendmail -v
inline constexpr unsigned kTraceDelayCleared = 8192;  // tell of success after a delay warning

// Delivery request flags that do not come from the message.
inline constexpr unsigned kDeliverSuccess = 1;
inline constexpr unsigned kDeliverBounce = 2;
inline constexpr unsigned kDeliverCacheLoad = 2048;
inline constexpr unsigned kDeliverCacheStore = 4096;

// The client that submitted the message, for logging by agents; empty = unknown.
struct ClientInfo {
  std::string name, address, port, protocol, helo;

  template <class V>
  void fields(V&& v) const {
    v("name", name);
    v("address", address);
    v("port", port);
    v("protocol", protocol);
    v("helo", helo);
  }
  friend auto operator<=>(const ClientInfo&, const ClientInfo&) = default;
};

struct Envelope {
  std::string sender;               // internal form; empty = null sender
  Time arrival;                     // of the message in the mail system
  Seconds create_time{};            // of this queue file, since the epoch; base of backoff and expiry
  std::int64_t data_offset = 0;     // where the content begins
  std::int64_t data_size = 0;       // bytes of the content segment
  std::int64_t content_length = 0;  // logical size, as logged and as sent to agents
  bool success_notify = false;      // some recipient asked for a success notice
  int smtputf8 = 0;                 // bits of the size record: 1 requested, 2 header, 4 sender
  std::string encoding;             // "", "7bit", "8bit"
  std::string envelope_id;
  int return_flags = 0;  // 0 none, 1 FULL, 2 HDRS
  ClientInfo client;
  std::string sasl_method, sasl_username, sasl_sender;
  std::string log_ident;
  std::string rewrite_context = "local";
  std::optional<std::string> filter;    // content filter; may be present and empty
  std::optional<std::string> redirect;  // replaces all recipients; may be present and empty
  bool inspect = false;                 // has the obsolete content inspector record
  std::string verp_delimiters;          // two characters; empty = no VERP
  unsigned trace_flags = 0;
  std::int64_t trace_offset = 0;  // of the record to kill after a trace report; 0 = none
  Seconds warn_time{};            // when a delay warning is due; 0 = never, negative = already sent
  std::int64_t warn_offset = 0;   // of the record to rewrite after it; 0 = none

  template <class V>
  void fields(V&& v) const {
    v("sender", sender);
    v("arrival", arrival);
    v("create_time", create_time);
    v("data_offset", data_offset);
    v("data_size", data_size);
    v("content_length", content_length);
    v("success_notify", success_notify);
    v("smtputf8", smtputf8);
    v("encoding", encoding);
    v("envelope_id", envelope_id);
    v("return_flags", return_flags);
    v("client", client);
    v("sasl_method", sasl_method);
    v("sasl_username", sasl_username);
    v("sasl_sender", sasl_sender);
    v("log_ident", log_ident);
    v("rewrite_context", rewrite_context);
    v("filter", filter);
    v("redirect", redirect);
    v("inspect", inspect);
    v("verp_delimiters", verp_delimiters);
    v("trace_flags", trace_flags);
    v("trace_offset", trace_offset);
    v("warn_time", warn_time);
    v("warn_offset", warn_offset);
  }
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

// The outcome of one read of a queue file.
struct Batch {
  std::vector<Recipient> recipients;  // deliverable ones, in reading order
  bool more = false;                  // the read stopped at its limit: the rest has not been looked at
  std::int64_t unread = 0;            // upper estimate of recipients not yet read

  template <class V>
  void fields(V&& v) const {
    v("recipients", recipients);
    v("more", more);
    v("unread", unread);
  }
  friend bool operator==(const Batch&, const Batch&) = default;
};

}  // namespace weir
