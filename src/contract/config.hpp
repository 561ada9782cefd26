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

  template <class V>
  void fields(V&& v) const {
    v("parameter", parameter);
    v("text", text);
    v("well_formed", well_formed);
    v("kind", kind);
    v("value", value);
  }
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

  template <class V>
  void fields(V&& v) const {
    v("concurrency_limit", concurrency_limit);
    v("recipient_limit", recipient_limit);
    v("initial_concurrency", initial_concurrency);
    v("positive_feedback", positive_feedback);
    v("negative_feedback", negative_feedback);
    v("failed_cohort_limit", failed_cohort_limit);
    v("transport_rate_delay", transport_rate_delay);
    v("destination_rate_delay", destination_rate_delay);
    v("slot_cost", slot_cost);
    v("slot_loan", slot_loan);
    v("slot_discount", slot_discount);
    v("minimum_slots", minimum_slots);
    v("recipient_pool", recipient_pool);
    v("extra_recipients", extra_recipients);
    v("refill_limit", refill_limit);
    v("refill_delay", refill_delay);
  }
  friend bool operator==(const TransportConfig&, const TransportConfig&) = default;
};

// How deliveries are scheduled: by the jobs and the preemption of qmgr, or on the wheel of destinations of oqmgr.
enum class Scheduler : std::uint8_t { preemptive, round_robin };

// Habits of the queue manager of 2003, each off by default (weir_... parameters, spec/personalities.md).
struct Habits {
  bool backoff_from_arrival = false;       // the base of the backoff is the arrival, not the create time
  bool lifetime_from_arrival = false;      // and so is that of the lifetime
  bool late_delay_warning = false;         // after the warning time, not in the second before it
  bool no_trace_reports = false;           // the trace service is never asked
  bool no_mode_requests = false;           // the mode bits of a file ask for nothing
  bool late_scan_modifiers = false;        // A and F wait for the next scan that begins
  bool double_import = false;              // up to one message from each queue a turn, incoming first
  bool single_connection = false;          // one pending connection a transport, not two
  bool dead_transport_keeps_mail = false;  // what waits for a transport that cannot be had goes on waiting
  bool crash_kills_transport = false;      // an agent that breaks off makes its transport dead
  bool defers_itself = false;              // into the defer log, not through the retry transport
  bool whole_steps = false;                // the window moves by one; at 0 the destination is dead
  bool late_reads = false;                 // more recipients are read when nothing can be selected
  bool neighbour_bundling = false;         // a recipient joins the entry of the one before it only
  bool silent_double_bounce = false;       // no line, no record
  bool keep_address_extension = false;     // in the names of destinations of one mailbox
  bool filter_after_resolver = false;      // the filter takes the place of what the resolver answered
  template <class V>
  void fields(V&& v) const {
    v("backoff_from_arrival", backoff_from_arrival);
    v("lifetime_from_arrival", lifetime_from_arrival);
    v("late_delay_warning", late_delay_warning);
    v("no_trace_reports", no_trace_reports);
    v("no_mode_requests", no_mode_requests);
    v("late_scan_modifiers", late_scan_modifiers);
    v("double_import", double_import);
    v("single_connection", single_connection);
    v("dead_transport_keeps_mail", dead_transport_keeps_mail);
    v("crash_kills_transport", crash_kills_transport);
    v("defers_itself", defers_itself);
    v("whole_steps", whole_steps);
    v("late_reads", late_reads);
    v("neighbour_bundling", neighbour_bundling);
    v("silent_double_bounce", silent_double_bounce);
    v("keep_address_extension", keep_address_extension);
    v("filter_after_resolver", filter_after_resolver);
  }
  friend bool operator==(const Habits&, const Habits&) = default;
};

struct Config {
  Scheduler scheduler = Scheduler::preemptive;
  int fudge_factor = 100;               // qmgr_fudge_factor, percent; round_robin only
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

  Habits habits;

  TransportConfig default_transport;
  std::map<std::string, TransportConfig> transports;  // those with settings of their own, by name

  [[nodiscard]] const TransportConfig& transport(const std::string& name) const {
    const auto found = transports.find(name);
    return found == transports.end() ? default_transport : found->second;
  }
  template <class V>
  void fields(V&& v) const {
    v("scheduler", scheduler);
    v("fudge_factor", fudge_factor);
    v("active_limit", active_limit);
    v("message_recipient_limit", message_recipient_limit);
    v("message_recipient_minimum", message_recipient_minimum);
    v("initial_concurrency", initial_concurrency);
    v("minimal_backoff", minimal_backoff);
    v("maximal_backoff", maximal_backoff);
    v("maximal_lifetime", maximal_lifetime);
    v("bounce_lifetime", bounce_lifetime);
    v("queue_run_delay", queue_run_delay);
    v("transport_retry_time", transport_retry_time);
    v("clog_warn_time", clog_warn_time);
    v("helpful_warnings", helpful_warnings);
    v("feedback_debug", feedback_debug);
    v("disable_verp_bounces", disable_verp_bounces);
    v("confirm_delay_cleared", confirm_delay_cleared);
    v("verify_negative_cache", verify_negative_cache);
    v("verify_pending_limit", verify_pending_limit);
    v("flow_control", flow_control);
    v("defer_transports", defer_transports);
    v("default_filter_nexthop", default_filter_nexthop);
    v("myhostname", myhostname);
    v("recipient_delimiter", recipient_delimiter);
    v("owner_request_special", owner_request_special);
    v("double_bounce_sender", double_bounce_sender);
    v("habits", habits);
    v("default_transport", default_transport);
    v("transports", transports);
  }
  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace weir
