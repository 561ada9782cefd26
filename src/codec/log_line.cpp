#include "codec/log_line.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <initializer_list>
#include <utility>

#include "codec/address.hpp"
#include "codec/delay.hpp"

namespace weir::codec {
namespace {

// --- pieces --------------------------------------------------------------------------------------------

[[nodiscard]] std::string join(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  std::string text;
  text.reserve(size);
  for (const std::string_view part : parts) text += part;
  return text;
}

[[nodiscard]] LogLine info(std::initializer_list<std::string_view> parts) { return {Severity::info, join(parts)}; }
[[nodiscard]] LogLine warn(std::initializer_list<std::string_view> parts) { return {Severity::warning, join(parts)}; }
[[nodiscard]] LogLine fatal(std::initializer_list<std::string_view> parts) { return {Severity::fatal, join(parts)}; }

[[nodiscard]] LogLine warn_if_gone(line::Because because, std::initializer_list<std::string_view> parts) {
  return {because == line::Because::gone ? Severity::warning : Severity::fatal, join(parts)};
}

[[nodiscard]] std::string number(std::int64_t value) { return std::to_string(value); }

[[nodiscard]] std::string general(double value) {
  std::array<char, 64> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), "%g", value);
  return {buffer.data(), static_cast<std::size_t>(std::clamp(size, 0, 63))};
}

//= R-PAR-087
[[nodiscard]] std::string show_address(std::string_view address, const LogSettings& settings) {
  return settings.address_format == AddressFormat::external ? to_external(address) : std::string{address};
}

[[nodiscard]] char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

[[nodiscard]] bool same_but_for_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

// --- records -------------------------------------------------------------------------------------------

using Lines = std::vector<LogLine>;

[[nodiscard]] Lines lines(const LogStillBeingDelivered& record, const LogSettings&) {
  return {info({record.queue_id, ": skipped, still being delivered"})};
}

[[nodiscard]] Lines lines(const LogExpired& record, const LogSettings& settings) {
  return {info({record.queue_id, ": from=<", show_address(record.sender, settings),
                ">, status=", record.forced ? "force-expired" : "expired", ", returned to sender"})};
}

[[nodiscard]] std::string_view word(ReportWord report, const LogSettings& settings) {
  switch (report) {
    case ReportWord::bounce: return "bounce";
    case ReportWord::verp: return settings.verp_failure_word;
    case ReportWord::delay_warning: return "delay warning";
    case ReportWord::trace: return "trace";
  }
  return "?";
}

[[nodiscard]] Lines lines(const LogReportFailed& record, const LogSettings& settings) {
  return {info({record.queue_id, ": status=deferred (", word(record.word, settings), " failed)"})};
}

constexpr std::string_view kDiscarded = "undeliverable postmaster notification discarded";
constexpr std::int64_t kMicros = 1'000'000;

[[nodiscard]] Lines lines(const LogDelivery& record, const LogSettings& settings) {
  const Recipient& to = record.recipient;
  const auto delay = [&](Time from, Time until) {
    return format_delay(until.since_epoch - from.since_epoch, settings.delay_decimals);
  };
  const bool show_original = !to.original.empty() && !same_but_for_case(to.original, to.address);
  const std::string original = show_original ? join({", orig_to=<", show_address(to.original, settings), ">"}) : "";
  if (settings.old_texts) {  // whole seconds, no parts, no status code
    const bool discarded = record.dsn.text == kDiscarded && record.status == "sent";
    Lines out{
        info({record.queue_id, ": to=<", show_address(to.address, settings), ">", original,
              ", relay=none, delay=", number((record.now.since_epoch - record.arrival.since_epoch).count() / kMicros),
              ", status=", record.status, " (", discarded ? "discarded" : record.dsn.text, ")"})};
    if (discarded) out.push_back(warn({record.queue_id, ": ", kDiscarded}));
    return out;
  }
  return {info({record.queue_id, ": to=<", show_address(to.address, settings), ">", original, ", relay=none, delay=",
                delay(record.arrival, record.now), ", delays=", delay(record.arrival, record.active_arrival), "/",
                delay(record.active_arrival, record.now), "/0/0, dsn=", record.dsn.code, ", status=", record.status,
                " (", record.dsn.text, ")"})};
}

[[nodiscard]] Lines lines(const LogServiceFailure& record, const LogSettings& settings) {
  return {warn({record.queue_id, ": ", settings.service_name(record.service), " service failure"})};
}

[[nodiscard]] Lines lines(const LogIgnoredDsn& record, const LogSettings&) {
  return {warn({record.function, ": ignoring dsn code \"", record.code, "\""})};
}

[[nodiscard]] Lines lines(const LogIgnoredFeedback& record, const LogSettings&) {
  return {warn({record.parameter, ": ignoring malformed or unreasonable feedback: ", record.text})};
}

//= R-PAR-036
[[nodiscard]] Lines lines(const LogFeedbackSetting& record, const LogSettings&) {
  return {info({record.transport, ": ", record.parameter, " feedback type ", number(record.kind), " value at ",
                number(record.concurrency), ": ", general(record.value)})};
}

[[nodiscard]] std::string_view feedback_function(bool negative) {
  return negative ? "qmgr_queue_throttle" : "qmgr_queue_unthrottle";
}

[[nodiscard]] Lines lines(const LogFeedbackStep& record, const LogSettings&) {
  return {info({feedback_function(record.negative), ": feedback ", general(record.value)})};
}

[[nodiscard]] Lines lines(const LogFeedbackState& record, const LogSettings&) {
  return {info({feedback_function(record.negative), ": queue ", record.destination, ": limit ", number(record.limit),
                " window ", number(record.window), " success ", general(record.success), " failure ",
                general(record.failure), " fail_cohorts ", general(record.cohorts)})};
}

void add_clog_advice(const LogClogged& record, Lines& out) {
  const std::string limit = number(record.limit);
  switch (record.advice) {
    case LogClogged::Advice::concurrency_limit:
      out.push_back(warn(
          {"you may need to increase the main.cf ", record.transport, "_destination_concurrency_limit from ", limit}));
      return;
    case LogClogged::Advice::active_limit:
      out.push_back(warn({"you may need to increase the main.cf qmgr_message_active_limit from ", limit}));
      return;
    case LogClogged::Advice::separate_transport:
      out.push_back(warn({"you may need a separate master.cf transport for ", record.nexthop}));
      return;
    case LogClogged::Advice::timeouts:
      out.push_back(warn({"you may need to reduce ", record.transport, " connect and helo timeouts"}));
      out.push_back(warn({"so that Postfix quickly skips unavailable hosts"}));
      out.push_back(warn({"you may need to increase the main.cf minimal_backoff_time and maximal_backoff_time"}));
      out.push_back(warn({"so that Postfix wastes less time on undeliverable mail"}));
      out.push_back(warn({"you may need to increase the master.cf ", record.transport, " process limit"}));
      return;
  }
}

[[nodiscard]] Lines lines(const LogClogged& record, const LogSettings&) {
  Lines out;
  out.push_back(warn({"mail for ", record.nexthop, " is using up ", number(record.entries), " of ",
                      number(record.messages), " active queue entries"}));
  if (record.slows_others) out.push_back(warn({"this may slow down other mail deliveries"}));
  add_clog_advice(record, out);
  out.push_back(warn({"please avoid flushing the whole queue when you have"}));
  out.push_back(warn({"lots of deferred mail, that is bad for performance"}));
  out.push_back(warn({"to turn off these warnings specify: qmgr_clog_warn_time = 0"}));
  return out;
}

[[nodiscard]] Lines lines(const LogTimeJump& record, const LogSettings&) {
  if (record.recovered) return {warn({"backward time jump recovered -- back to normality"})};
  return {warn({record.again ? "another " : "", "backward time jump detected -- slewing clock"})};
}

[[nodiscard]] Lines lines(const LogAllocate& record, const LogSettings&) {
  return {{Severity::debug, join({"qmgr_active_drain: allocate ", record.transport})}};
}

[[nodiscard]] Lines lines(const LogTransportFailure& record, const LogSettings&) {
  return {warn({"transport ", record.transport,
                " failure -- see a previous warning/fatal/panic logfile record for the problem description"})};
}

[[nodiscard]] bool is_utf8_lead(unsigned char byte) { return byte >= 194 && byte <= 254; }
[[nodiscard]] bool is_utf8_tail(unsigned char byte) { return byte >= 128 && byte <= 191; }

}  // namespace

const std::string& LogSettings::service_name(Service service) const {
  switch (service) {
    case Service::bounce: return bounce_service;
    case Service::defer: return defer_service;
    case Service::trace: return trace_service;
    case Service::verify: return verify_service;
    case Service::flush: return flush_service;
  }
  return defer_service;
}

std::vector<LogLine> render(const LogRecord& record, const LogSettings& settings) {
  return std::visit([&](const auto& typed) { return lines(typed, settings); }, record);
}

std::string clean_log_text(std::string_view text, bool utf8) {
  std::string out;
  // Whether a byte is part of a sequence shows one byte later, so the cut comes last.
  const std::string_view seen = text.substr(0, kLogTextMax + 1);
  out.reserve(seen.size());
  bool in_sequence = false;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const auto byte = static_cast<unsigned char>(seen[i]);
    const bool leads =
        utf8 && is_utf8_lead(byte) && i + 1 < seen.size() && is_utf8_tail(static_cast<unsigned char>(seen[i + 1]));
    const bool follows = in_sequence && is_utf8_tail(byte);
    in_sequence = leads || follows;
    out += in_sequence || (byte >= ' ' && byte < 0x7f) ? seen[i] : '?';
  }
  return out.substr(0, kLogTextMax);
}

namespace line {

// --- life of a message ---------------------------------------------------------------------------------

LogLine queue_active(std::string_view queue_id, std::string_view sender, std::int64_t size, std::int64_t recipients,
                     const LogSettings& settings) {
  return info({queue_id, ": from=<", show_address(sender, settings), ">, size=", number(size),
               ", nrcpt=", number(recipients), " (queue active)"});
}
LogLine removed(std::string_view queue_id) { return info({queue_id, ": removed"}); }

// --- start and settings --------------------------------------------------------------------------------

LogLine recipient_limit_adjusted() {
  return warn(
      {"qmgr_message_recipient_limit is smaller than qmgr_message_active_limit - adjusting "
       "qmgr_message_recipient_limit"});
}
LogLine bounce_lifetime_adjusted() {
  return warn({"bounce_queue_lifetime is larger than maximal_queue_lifetime - adjusting bounce_queue_lifetime"});
}
std::vector<LogLine> nqmgr_is_old(std::string_view config_directory) {
  return {warn({"please update the ", config_directory, "/master.cf file; the new queue manager"}),
          warn({"(old name: nqmgr) has become the standard queue manager (new name: qmgr)"}),
          warn({"support for the name old name (nqmgr) will be removed from Postfix"})};
}
LogLine bad_address_format(std::string_view value) {
  return fatal({"invalid parameter setting \"info_log_address_format = ", value, "\""});
}
LogLine wants_process_limit_one(std::string_view service) {
  return fatal({"service ", service, " requires a process limit of 1"});
}
LogLine unexpected_argument(std::string_view argument) {
  return fatal({"unexpected command-line argument: ", argument});
}
LogLine watchdog_too_small(std::int64_t timeout) {
  return {Severity::panic, join({"watchdog_create: timeout ", number(timeout), " is too small"})};
}
LogLine smtputf8_not_compiled_in() { return warn({"smtputf8_enable is true, but EAI support is not compiled in"}); }
LogLine table_changed(std::string_view table) { return info({"table ", table, " has changed -- restarting"}); }
LogLine relay_domains_compatibility(std::string_view domain) {
  return info(
      {"using backwards-compatible default setting relay_domains=$mydestination to update fast-flush logfile "
       "for domain \"",
       domain, "\""});
}

// --- queue files and directories -----------------------------------------------------------------------

LogLine nfs_rename_worked_around(std::string_view from, std::string_view to) {
  return info({"sane_rename(", from, ",", to, "): worked around spurious NFS error"});
}
LogLine move_ignored_bad_name(std::string_view name) { return warn({"qmgr_move: ignored: queue active id ", name}); }
LogLine move_update_times(std::string_view path, std::string_view reason, Because because) {
  return warn_if_gone(because, {"qmgr_move: update ", path, " time stamps: ", reason});
}
LogLine move_rename(std::string_view queue_id, std::string_view reason, Because because) {
  return warn_if_gone(because, {"qmgr_move: rename ", queue_id, " from active to incoming: ", reason});
}
LogLine lstat_failed(std::string_view path, std::string_view reason) { return warn({path, ": ", reason}); }
LogLine not_a_regular_file(std::string_view path, std::int64_t uid) {
  return warn({path, ": uid ", number(uid), ": not a regular file"});
}
LogLine has_links(std::string_view path, std::int64_t uid, std::int64_t links) {
  return warn({path, ": uid ", number(uid), ": file has ", number(links), " links"});
}
LogLine feed_rename(std::string_view queue_id, Queue from, std::string_view reason, Because because) {
  return warn_if_gone(because,
                      {"qmgr_active_feed: ", queue_id, ": rename from ", to_string(from), " to active: ", reason});
}
LogLine open_active(std::string_view queue_id, std::string_view reason, Because because) {
  return warn_if_gone(because, {"open active ", queue_id, ": ", reason});
}
LogLine saving_corrupt(std::string_view queue_id) {
  return warn({"saving corrupt file \"", queue_id, "\" from queue \"active\" to queue \"corrupt\""});
}
LogLine corrupt_file_gone(std::string_view queue_id, std::string_view reason) {
  return warn({"qmgr_active_corrupt: save corrupt file queue active id ", queue_id, ": ", reason});
}
LogLine save_corrupt_failed(std::string_view queue_id, std::string_view reason) {
  return fatal({"qmgr_active_corrupt: save corrupt file queue active id ", queue_id, ": ", reason});
}
LogLine defer_update_times(std::string_view path, std::string_view reason) {
  return fatal({"qmgr_active_defer: update ", path, " time stamps: ", reason});
}
LogLine defer_rename(std::string_view queue_id, Queue to, std::string_view reason, Because because) {
  return warn_if_gone(because,
                      {"qmgr_active_defer: rename ", queue_id, " from active to ", to_string(to), ": ", reason});
}
LogLine remove_failed(std::string_view queue_id, std::string_view reason, Because because) {
  return warn_if_gone(because, {"qmgr_active_done_3_generic: remove ", queue_id, " from active: ", reason});
}
LogLine remove_bounce_failed(std::string_view queue_id, std::string_view reason) {
  return fatal({"remove bounce ", queue_id, ": ", reason});
}
LogLine remove_defer_failed(std::string_view queue_id, std::string_view reason) {
  return fatal({"qmgr_message_alloc: ", queue_id, ": remove defer ", queue_id, ": ", reason});
}
LogLine update_file_failed(std::string_view path, std::string_view reason) {
  return fatal({"update queue file ", path, ": ", reason});
}
LogLine fchmod_failed(std::string_view path, std::string_view reason) { return fatal({"fchmod ", path, ": ", reason}); }
LogLine open_directory_failed(std::string_view directory, std::string_view reason) {
  return fatal({"scan_dir_push: open directory ", directory, ": ", reason});
}
LogLine close_directory_failed(std::string_view directory, std::string_view reason) {
  return fatal({"scan_dir_pop: close directory ", directory, ": ", reason});
}
LogLine bad_queue_name(std::string_view name) { return warn({"bad mail queue name: ", name}); }

// --- peers ---------------------------------------------------------------------------------------------

LogLine connect_transport_failed(std::string_view transport, std::string_view reason, bool old_text) {
  return warn({"connect to transport ", old_text ? "" : "private/", transport, ": ", reason});
}
LogLine premature_disconnect(std::string_view path) { return warn({path, ": premature disconnect"}); }
LogLine malformed_response(std::string_view path) { return warn({path, ": malformed response"}); }
LogLine write_to_process_failed(std::string_view transport, std::string_view reason) {
  return warn({"write to process (", transport, "): ", reason});
}
LogLine connect_timed_out(std::string_view transport) {
  return fatal({"timeout connecting to transport: ", transport});
}
LogLine report_timed_out(std::string_view queue_id, std::string_view transport) {
  return fatal({queue_id, ": timeout receiving delivery status from transport: ", transport});
}
LogLine watchdog_timeout() { return fatal({"watchdog timeout"}); }
LogLine talking_to_service(std::string_view service, std::string_view reason) {
  return warn({"problem talking to service ", service, ": ", reason});
}
LogLine null_transport(std::string_view address) {
  return warn({"resolve_clnt: null transport result for: <", address, ">"});
}
LogLine null_recipient(std::string_view address) {
  return warn({"resolve_clnt: null recipient result for: <", address, ">"});
}
LogLine connect_failed(std::string_view socket_name, std::string_view reason) {
  return warn({"connect to ", socket_name, ": ", reason});
}
LogLine read_failed(std::string_view path, std::string_view reason) { return warn({"read ", path, ": ", reason}); }
LogLine write_failed(std::string_view path, std::string_view reason) { return warn({"write ", path, ": ", reason}); }
LogLine write_read_failed(std::string_view path, std::string_view reason) {
  return warn({"write/read ", path, ": ", reason});
}
LogLine connect_subsystem_failed(int attempt, std::string_view socket_name, std::string_view reason, bool last) {
  return {last ? Severity::fatal : Severity::warning,
          join({"connect #", number(attempt), " to subsystem ", socket_name, ": ", reason})};
}
LogLine accept_failed(std::string_view reason) { return {Severity::error, join({"accept connection: ", reason})}; }
LogLine flow_count_failed(std::string_view reason) { return warn({"mail_flow_count: ", reason}); }
LogLine flow_descriptor_bad(std::string_view reason) { return fatal({"fstat flow pipe write descriptor: ", reason}); }
LogLine event_loop_failed(std::string_view call, std::string_view reason) {
  return fatal({"event_loop: ", call, ": ", reason});
}
LogLine unix_name_too_long(std::string_view path) { return fatal({"unix-domain name too long: ", path}); }
LogLine too_many_errors() { return fatal({"too many errors - program terminated"}); }

LogLine warning(std::string text) { return {Severity::warning, std::move(text)}; }

}  // namespace line
}  // namespace weir::codec
