#include "codec/log_line.hpp"

#include <gtest/gtest.h>

#include "observed.hpp"

namespace weir::codec {
namespace {

constexpr auto kInfo = Severity::info;
constexpr auto kWarning = Severity::warning;
constexpr auto kFatal = Severity::fatal;
using Lines = std::vector<LogLine>;

LogLine one(const LogRecord& record, const LogSettings& settings = {}) {
  const Lines rendered = render(record, settings);
  EXPECT_EQ(rendered.size(), 1U);
  return rendered.empty() ? LogLine{} : rendered.front();
}

LogSettings internal() {
  LogSettings settings;
  settings.address_format = AddressFormat::internal;
  return settings;
}

// --- records -------------------------------------------------------------------------------------------

TEST(LogLine, OldTextsOfDeliveries) {
  LogSettings settings;
  settings.old_texts = true;
  LogDelivery delivery;
  delivery.queue_id = "Q";
  delivery.recipient.address = "a@b";
  delivery.arrival = Time{Micros{1'000'000}};
  delivery.active_arrival = delivery.arrival;
  delivery.now = Time{Micros{8'900'000}};
  delivery.dsn = {"4.4.1", "no"};
  delivery.status = "deferred";
  EXPECT_EQ(render(delivery, settings),
            (std::vector<LogLine>{{Severity::info, "Q: to=<a@b>, relay=none, delay=7, status=deferred (no)"}}));
  delivery.dsn = {"2.0.0", "undeliverable postmaster notification discarded"};
  delivery.status = "sent";
  EXPECT_EQ(render(delivery, settings),
            (std::vector<LogLine>{{Severity::info, "Q: to=<a@b>, relay=none, delay=7, status=sent (discarded)"},
                                  {Severity::warning, "Q: undeliverable postmaster notification discarded"}}));
  EXPECT_EQ(line::connect_transport_failed("smtp", "Connection refused", true).text,
            "connect to transport smtp: Connection refused");
}

TEST(LogRecords, Locked) {
  EXPECT_EQ(one(LogStillBeingDelivered{"7A"}), (LogLine{kInfo, "7A: skipped, still being delivered"}));
}

TEST(LogRecords, Expired) {
  EXPECT_EQ(one(LogExpired{"7A", "a@qc.example", false}),
            (LogLine{kInfo, "7A: from=<a@qc.example>, status=expired, returned to sender"}));
  EXPECT_EQ(one(LogExpired{"7A", "", true}), (LogLine{kInfo, "7A: from=<>, status=force-expired, returned to sender"}));
  EXPECT_EQ(one(LogExpired{"7A", "a b@x", false}).text, "7A: from=<\"a b\"@x>, status=expired, returned to sender");
  EXPECT_EQ(one(LogExpired{"7A", "a b@x", false}, internal()).text,
            "7A: from=<a b@x>, status=expired, returned to sender");
}

TEST(LogRecords, ReportFailed) {
  EXPECT_EQ(one(LogReportFailed{"7A", ReportWord::bounce}), (LogLine{kInfo, "7A: status=deferred (bounce failed)"}));
  EXPECT_EQ(one(LogReportFailed{"7A", ReportWord::verp}).text, "7A: status=deferred (verp failed)");
  EXPECT_EQ(one(LogReportFailed{"7A", ReportWord::delay_warning}).text, "7A: status=deferred (delay warning failed)");
  EXPECT_EQ(one(LogReportFailed{"7A", ReportWord::trace}).text, "7A: status=deferred (trace failed)");
  LogSettings newer;
  newer.verp_failure_word = "verp-bounce";
  EXPECT_EQ(one(LogReportFailed{"7A", ReportWord::verp}, newer).text, "7A: status=deferred (verp-bounce failed)");
}

LogDelivery delivery() {
  LogDelivery record;
  record.queue_id = "8DC13A740ED";
  record.recipient.address = "x@nosvc.example";
  record.recipient.original = "X@nosvc.example";
  record.arrival = Time{Micros{1'000'000}};
  record.active_arrival = Time{Micros{1'040'000}};
  record.now = Time{Micros{1'100'000}};
  record.dsn = {"4.3.0", "mail transport unavailable"};
  record.status = "deferred";
  return record;
}

TEST(LogRecords, Delivery) {
  EXPECT_EQ(one(delivery()), (LogLine{kInfo,
                                      "8DC13A740ED: to=<x@nosvc.example>, relay=none, delay=0.1, delays=0.04/0.06/0/0, "
                                      "dsn=4.3.0, status=deferred (mail transport unavailable)"}));
}

TEST(LogRecords, DeliveryShowsAnOriginalRecipientThatDiffers) {
  LogDelivery record = delivery();
  record.recipient.original = "o p@y";
  EXPECT_EQ(one(record).text.substr(0, 70), "8DC13A740ED: to=<x@nosvc.example>, orig_to=<\"o p\"@y>, relay=none, dela");
  EXPECT_NE(one(record, internal()).text.find("orig_to=<o p@y>, relay"), std::string::npos);
  record.recipient.original.clear();
  EXPECT_EQ(one(record).text.find("orig_to"), std::string::npos);
}

TEST(LogRecords, DeliveryDelaysAreNeverNegativeAndNeedNotAddUp) {
  LogDelivery record = delivery();
  record.arrival = Time{Micros{2'000'000}};
  EXPECT_NE(one(record).text.find("delay=0, delays=0/0.06/0/0, "), std::string::npos);
  LogSettings coarse;
  coarse.delay_decimals = 0;
  EXPECT_NE(one(delivery(), coarse).text.find("delay=0, delays=0/0/0/0, "), std::string::npos);
}

TEST(LogRecords, ServiceFailure) {
  EXPECT_EQ(one(LogServiceFailure{"7A", Service::defer}), (LogLine{kWarning, "7A: defer service failure"}));
  EXPECT_EQ(one(LogServiceFailure{"7A", Service::trace}).text, "7A: trace service failure");
  EXPECT_EQ(one(LogServiceFailure{"7A", Service::verify}).text, "7A: verify service failure");
  EXPECT_EQ(one(LogServiceFailure{"7A", Service::flush}).text, "7A: flush service failure");
  EXPECT_EQ(one(LogServiceFailure{"7A", Service::bounce}).text, "7A: bounce service failure");
  LogSettings renamed;
  renamed.defer_service = "later";
  EXPECT_EQ(one(LogServiceFailure{"7A", Service::defer}, renamed).text, "7A: later service failure");
}

TEST(LogRecords, Ignored) {
  EXPECT_EQ(one(LogIgnoredDsn{"defer_append", "5.1.1"}),
            (LogLine{kWarning, "defer_append: ignoring dsn code \"5.1.1\""}));
  EXPECT_EQ(one(LogIgnoredFeedback{"smtp_destination_concurrency_positive_feedback", "1/x"}),
            (LogLine{kWarning,
                     "smtp_destination_concurrency_positive_feedback: ignoring malformed or unreasonable "
                     "feedback: 1/x"}));
}

//= R-PAR-036 test
TEST(LogRecords, FeedbackDebug) {
  EXPECT_EQ(
      one(LogFeedbackSetting{"smtp", "default_destination_concurrency_positive_feedback", 1, 5, 0.2}),
      (LogLine{kInfo, "smtp: default_destination_concurrency_positive_feedback feedback type 1 value at 5: 0.2"}));
  EXPECT_EQ(one(LogFeedbackStep{false, 1.0 / 3}), (LogLine{kInfo, "qmgr_queue_unthrottle: feedback 0.333333"}));
  EXPECT_EQ(one(LogFeedbackStep{true, 1}).text, "qmgr_queue_throttle: feedback 1");
  EXPECT_EQ(one(LogFeedbackState{false, "ex1.example", 20, 5, 0.5, 0, 1e-7}),
            (LogLine{kInfo,
                     "qmgr_queue_unthrottle: queue ex1.example: limit 20 window 5 success 0.5 failure 0 "
                     "fail_cohorts 1e-07"}));
  EXPECT_EQ(one(LogFeedbackState{true, "x", 1, 2, 0, -0.25, 1234567}).text,
            "qmgr_queue_throttle: queue x: limit 1 window 2 success 0 failure -0.25 fail_cohorts 1.23457e+06");
}

//= R-PAR-008 test
TEST(LogRecords, Clogged) {
  const Lines tail{{kWarning, "please avoid flushing the whole queue when you have"},
                   {kWarning, "lots of deferred mail, that is bad for performance"},
                   {kWarning, "to turn off these warnings specify: qmgr_clog_warn_time = 0"}};
  const auto with_tail = [&](Lines head) {
    head.insert(head.end(), tail.begin(), tail.end());
    return head;
  };
  LogClogged record{"ex01.example", "smtp", 5, 7, true, LogClogged::Advice::separate_transport, 0};
  const LogLine first{kWarning, "mail for ex01.example is using up 5 of 7 active queue entries"};
  const LogLine second{kWarning, "this may slow down other mail deliveries"};
  EXPECT_EQ(render(record, {}),
            with_tail({first, second, {kWarning, "you may need a separate master.cf transport for ex01.example"}}));
  record.slows_others = false;
  record.advice = LogClogged::Advice::concurrency_limit;
  record.limit = 20;
  EXPECT_EQ(render(record, {}),
            with_tail({first,
                       {kWarning, "you may need to increase the main.cf smtp_destination_concurrency_limit from 20"}}));
  record.advice = LogClogged::Advice::active_limit;
  EXPECT_EQ(render(record, {}),
            with_tail({first, {kWarning, "you may need to increase the main.cf qmgr_message_active_limit from 20"}}));
  record.advice = LogClogged::Advice::timeouts;
  EXPECT_EQ(render(record, {}),
            with_tail({first,
                       {kWarning, "you may need to reduce smtp connect and helo timeouts"},
                       {kWarning, "so that Postfix quickly skips unavailable hosts"},
                       {kWarning, "you may need to increase the main.cf minimal_backoff_time and maximal_backoff_time"},
                       {kWarning, "so that Postfix wastes less time on undeliverable mail"},
                       {kWarning, "you may need to increase the master.cf smtp process limit"}}));
}

TEST(LogRecords, TimeJump) {
  EXPECT_EQ(one(LogTimeJump{false, false}), (LogLine{kWarning, "backward time jump detected -- slewing clock"}));
  EXPECT_EQ(one(LogTimeJump{true, false}).text, "another backward time jump detected -- slewing clock");
  EXPECT_EQ(one(LogTimeJump{false, true}).text, "backward time jump recovered -- back to normality");
}

TEST(LogRecords, AllocateIsDebug) {
  EXPECT_EQ(one(LogAllocate{"smtp"}), (LogLine{Severity::debug, "qmgr_active_drain: allocate smtp"}));
}

// --- lines of the world --------------------------------------------------------------------------------

struct Expected {
  LogLine line;
  Severity severity;
  const char* text;
};

void check(const std::vector<Expected>& lines) {
  for (const Expected& expected : lines) {
    EXPECT_EQ(expected.line.text, expected.text);
    EXPECT_EQ(expected.line.severity, expected.severity) << expected.text;
  }
}

//= R-PAR-087 test
TEST(LogLines, LifeOfAMessage) {
  check({
      {line::queue_active("7A", "a@qc.example", 252, 2, {}), kInfo,
       "7A: from=<a@qc.example>, size=252, nrcpt=2 (queue active)"},
      {line::queue_active("7A", "a b@qc.example", 0, -1, {}), kInfo,
       "7A: from=<\"a b\"@qc.example>, size=0, nrcpt=-1 (queue active)"},
      {line::queue_active("7A", "a b@qc.example", 1, 1, internal()), kInfo,
       "7A: from=<a b@qc.example>, size=1, nrcpt=1 (queue active)"},
      {line::queue_active("7A", "", 1, 1, {}), kInfo, "7A: from=<>, size=1, nrcpt=1 (queue active)"},
      {line::removed("7A"), kInfo, "7A: removed"},
  });
}

TEST(LogLines, StartAndSettings) {
  check({
      {line::recipient_limit_adjusted(), kWarning,
       "qmgr_message_recipient_limit is smaller than qmgr_message_active_limit - adjusting "
       "qmgr_message_recipient_limit"},
      {line::bounce_lifetime_adjusted(), kWarning,
       "bounce_queue_lifetime is larger than maximal_queue_lifetime - adjusting bounce_queue_lifetime"},
      {line::nqmgr_is_old("/etc/postfix").at(0), kWarning,
       "please update the /etc/postfix/master.cf file; the new queue manager"},
      {line::nqmgr_is_old("/etc/postfix").at(1), kWarning,
       "(old name: nqmgr) has become the standard queue manager (new name: qmgr)"},
      {line::nqmgr_is_old("/etc/postfix").at(2), kWarning,
       "support for the name old name (nqmgr) will be removed from Postfix"},
      {line::bad_address_format("x"), kFatal, "invalid parameter setting \"info_log_address_format = x\""},
      {line::wants_process_limit_one("qmgr"), kFatal, "service qmgr requires a process limit of 1"},
      {line::unexpected_argument("x"), kFatal, "unexpected command-line argument: x"},
      {line::watchdog_too_small(2), Severity::panic, "watchdog_create: timeout 2 is too small"},
      {line::smtputf8_not_compiled_in(), kWarning, "smtputf8_enable is true, but EAI support is not compiled in"},
      {line::table_changed("hash:/x"), kInfo, "table hash:/x has changed -- restarting"},
      {line::relay_domains_compatibility("x.example"), kInfo,
       "using backwards-compatible default setting relay_domains=$mydestination to update fast-flush logfile for "
       "domain \"x.example\""},
  });
}

TEST(LogLines, QueueFiles) {
  constexpr auto kGone = line::Because::gone;
  constexpr auto kOther = line::Because::other;
  check({
      {line::nfs_rename_worked_around("a", "b"), kInfo, "sane_rename(a,b): worked around spurious NFS error"},
      {line::move_ignored_bad_name("x"), kWarning, "qmgr_move: ignored: queue active id x"},
      {line::move_update_times("active/7A", "why", kGone), kWarning, "qmgr_move: update active/7A time stamps: why"},
      {line::move_update_times("active/7A", "why", kOther), kFatal, "qmgr_move: update active/7A time stamps: why"},
      {line::move_rename("7A", "why", kGone), kWarning, "qmgr_move: rename 7A from active to incoming: why"},
      {line::move_rename("7A", "why", kOther), kFatal, "qmgr_move: rename 7A from active to incoming: why"},
      {line::lstat_failed("active/7A", "why"), kWarning, "active/7A: why"},
      {line::not_a_regular_file("active/7A", 105), kWarning, "active/7A: uid 105: not a regular file"},
      {line::has_links("active/7A", 105, 2), kWarning, "active/7A: uid 105: file has 2 links"},
      {line::feed_rename("7A", Queue::deferred, "why", kGone), kWarning,
       "qmgr_active_feed: 7A: rename from deferred to active: why"},
      {line::feed_rename("7A", Queue::incoming, "why", kOther), kFatal,
       "qmgr_active_feed: 7A: rename from incoming to active: why"},
      {line::open_active("7A", "why", kGone), kWarning, "open active 7A: why"},
      {line::open_active("7A", "why", kOther), kFatal, "open active 7A: why"},
      {line::corrupt_file_gone("7A", "No such file or directory"), kWarning,
       "qmgr_active_corrupt: save corrupt file queue active id 7A: No such file or directory"},
      {line::saving_corrupt("7A"), kWarning, "saving corrupt file \"7A\" from queue \"active\" to queue \"corrupt\""},
      {line::save_corrupt_failed("7A", "why"), kFatal,
       "qmgr_active_corrupt: save corrupt file queue active id 7A: why"},
      {line::defer_update_times("active/7A", "why"), kFatal, "qmgr_active_defer: update active/7A time stamps: why"},
      {line::defer_rename("7A", Queue::deferred, "why", kGone), kWarning,
       "qmgr_active_defer: rename 7A from active to deferred: why"},
      {line::defer_rename("7A", Queue::incoming, "why", kOther), kFatal,
       "qmgr_active_defer: rename 7A from active to incoming: why"},
      {line::remove_failed("7A", "why", kGone), kWarning, "qmgr_active_done_3_generic: remove 7A from active: why"},
      {line::remove_failed("7A", "why", kOther), kFatal, "qmgr_active_done_3_generic: remove 7A from active: why"},
      {line::remove_bounce_failed("7A", "why"), kFatal, "remove bounce 7A: why"},
      {line::remove_defer_failed("7A", "why"), kFatal, "qmgr_message_alloc: 7A: remove defer 7A: why"},
      {line::update_file_failed("active/7A", "why"), kFatal, "update queue file active/7A: why"},
      {line::fchmod_failed("active/7A", "why"), kFatal, "fchmod active/7A: why"},
      {line::open_directory_failed("incoming", "why"), kFatal, "scan_dir_push: open directory incoming: why"},
      {line::close_directory_failed("incoming", "why"), kFatal, "scan_dir_pop: close directory incoming: why"},
      {line::bad_queue_name("x"), kWarning, "bad mail queue name: x"},
  });
}

TEST(LogLines, Peers) {
  check({
      {line::connect_transport_failed("smtp", "why"), kWarning, "connect to transport private/smtp: why"},
      {line::premature_disconnect("private/smtp socket"), kWarning, "private/smtp socket: premature disconnect"},
      {line::malformed_response("private/smtp socket"), kWarning, "private/smtp socket: malformed response"},
      {line::write_to_process_failed("smtp", "Broken pipe"), kWarning, "write to process (smtp): Broken pipe"},
      {line::connect_timed_out("smtp"), kFatal, "timeout connecting to transport: smtp"},
      {line::report_timed_out("7A", "smtp"), kFatal, "7A: timeout receiving delivery status from transport: smtp"},
      {line::watchdog_timeout(), kFatal, "watchdog timeout"},
      {line::talking_to_service("rewrite", "why"), kWarning, "problem talking to service rewrite: why"},
      {line::null_transport("a@x"), kWarning, "resolve_clnt: null transport result for: <a@x>"},
      {line::null_recipient("a@x"), kWarning, "resolve_clnt: null recipient result for: <a@x>"},
      {line::connect_failed("private/defer", "why"), kWarning, "connect to private/defer: why"},
      {line::read_failed("private/defer socket", "why"), kWarning, "read private/defer socket: why"},
      {line::write_failed("private/defer socket", "why"), kWarning, "write private/defer socket: why"},
      {line::write_read_failed("private/defer socket", "why"), kWarning, "write/read private/defer socket: why"},
      {line::connect_subsystem_failed(3, "private/rewrite", "why", false), kWarning,
       "connect #3 to subsystem private/rewrite: why"},
      {line::connect_subsystem_failed(11, "private/rewrite", "why", true), kFatal,
       "connect #11 to subsystem private/rewrite: why"},
      {line::accept_failed("why"), Severity::error, "accept connection: why"},
      {line::flow_count_failed("why"), kWarning, "mail_flow_count: why"},
      {line::flow_descriptor_bad("why"), kFatal, "fstat flow pipe write descriptor: why"},
      {line::event_loop_failed("epoll_wait", "why"), kFatal, "event_loop: epoll_wait: why"},
      {line::unix_name_too_long("private/x"), kFatal, "unix-domain name too long: private/x"},
      {line::too_many_errors(), kFatal, "too many errors - program terminated"},
      {line::warning("text"), kWarning, "text"},
  });
}

// --- cleaning ------------------------------------------------------------------------------------------

TEST(CleanLogText, AsObserved) {
  for (const auto& triple : testing::observed_text("printable")) {
    const std::string text = testing::from_hex(triple.at(0).get<std::string>());
    EXPECT_EQ(clean_log_text(text, false), testing::from_hex(triple.at(1).get<std::string>())) << triple;
    EXPECT_EQ(clean_log_text(text, true), testing::from_hex(triple.at(2).get<std::string>())) << triple;
  }
}

TEST(CleanLogText, CutAt2000Bytes) {
  EXPECT_EQ(clean_log_text(std::string(2500, 'a'), true), std::string(2000, 'a'));
  EXPECT_EQ(clean_log_text(std::string(2000, 'a'), true), std::string(2000, 'a'));
  EXPECT_EQ(clean_log_text(std::string(2500, '\n'), true), std::string(2000, '?'));
}

// The installed program cleans first and cuts then: a sequence may lose its end.
TEST(CleanLogText, TheCutMayFallIntoASequence) {
  const std::string text = std::string(1999, 'b') + "\xe2\x82\xac\xe2\x82\xac";
  EXPECT_EQ(clean_log_text(text, true), std::string(1999, 'b') + "\xe2");
  EXPECT_EQ(clean_log_text(text, false), std::string(1999, 'b') + "?");
}

}  // namespace
}  // namespace weir::codec
