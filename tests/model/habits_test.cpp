// Each habit of the queue manager of 2003 (spec/personalities.md) by itself, beside what is done without it.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "support/desk.hpp"

namespace weir::testing {
namespace {

Config with(bool Habits::*habit) {
  Config config = plain_config();
  config.habits.*habit = true;
  return config;
}

Mail mail_for(std::vector<std::string> addresses) {
  Mail mail;
  for (std::string& address : addresses) mail.recipients.push_back(to(std::move(address)));
  return mail;
}

// Created an hour ago, arrived (for instance: taken out of hold) ten minutes ago.
Mail old_mail(const Desk& desk) {
  Mail mail = mail_for({"r@d.t"});
  mail.envelope.sender = "s@o.t";
  mail.envelope.create_time = desk.now() - Seconds{3600};
  mail.envelope.arrival = at_second(desk.now() - Seconds{600});
  return mail;
}

Words after_a_deferral(Desk& desk, Mail mail) {
  desk.arrive(std::move(mail));
  (void)desk.take();
  desk.end(true);
  return desk.take();
}

TEST(Habits, BackoffFromArrival) {
  Desk now;
  EXPECT_EQ(after_a_deferral(now, old_mail(now)), Words{"retry in 3600"});
  Desk then(with(&Habits::backoff_from_arrival));
  EXPECT_EQ(after_a_deferral(then, old_mail(then)), Words{"retry in 600"});
}

TEST(Habits, LifetimeFromArrival) {
  Config config = plain_config();
  config.maximal_lifetime = Seconds{1000};
  Desk now(config);
  EXPECT_EQ(after_a_deferral(now, old_mail(now)), (Words{"log expired", "report defer flush 2"}));
  config.habits.lifetime_from_arrival = true;
  Desk then(config);
  EXPECT_EQ(after_a_deferral(then, old_mail(then)), Words{"retry in 3600"});
}

TEST(Habits, LateDelayWarning) {
  const auto warned = [](const Config& config, std::int64_t from_now) {
    Desk desk(config);
    Mail mail = mail_for({"r@d.t"});
    mail.envelope.warn_time = desk.now() + Seconds{from_now};
    return after_a_deferral(desk, std::move(mail)).front() == "report defer warn 0";
  };
  EXPECT_TRUE(warned(plain_config(), 1));
  EXPECT_FALSE(warned(plain_config(), 2));
  EXPECT_FALSE(warned(with(&Habits::late_delay_warning), 0));
  EXPECT_TRUE(warned(with(&Habits::late_delay_warning), -1));
}

//= R-REP-06, R-REP-08 test
TEST(Habits, NoTraceReports) {
  const auto asked = [](const Config& config) {
    Desk desk(config);
    Mail mail = mail_for({"r@d.t"});
    mail.envelope.trace_flags = kTraceRecord;
    desk.arrive(std::move(mail));
    (void)desk.take();
    desk.end();
    return desk.take().front();
  };
  EXPECT_EQ(asked(plain_config()), "report trace trace 1024");
  EXPECT_EQ(asked(with(&Habits::no_trace_reports)), "remove");

  Config config = with(&Habits::no_trace_reports);
  Desk desk(config);
  desk.refuses = {"t", "retry"};
  Mail mail = mail_for({"r@d.t"});
  mail.envelope.trace_flags = kTraceRecord;
  desk.arrive(std::move(mail));
  EXPECT_EQ(desk.take(),
            (Words{"forget the defer log", "append defer r@d.t delayed 4.3.0 mail transport unavailable"}));
  desk.answer();
  desk.answer();  // the flush service
  EXPECT_EQ(desk.take().back(), "retry in 300");
}

TEST(Habits, NoModeRequests) {
  const auto delivered = [](const Config& config) {
    Desk desk(config);
    Mail mail = mail_for({"r@d.t"});
    mail.expire = true;
    desk.arrive(std::move(mail));
    return desk.take().back();
  };
  EXPECT_EQ(delivered(plain_config()), "deliver retry 4.7.0 message is administratively expired: r@d.t");
  EXPECT_EQ(delivered(with(&Habits::no_mode_requests)), "deliver t d: r@d.t");
}

// F, while nothing is scanned: at once; or when the next scan begins.
TEST(Habits, LateScanModifiers) {
  const auto revived_by = [](Config config, const std::string& bytes) {
    config.default_transport.initial_concurrency = 1;  // one failure is enough
    Desk desk(config);
    desk.arrive("r@d.t");
    desk.end(true, {"4.4.1", "no"});
    desk.trigger(bytes);
    return transport(desk.state(), "t").destinations.empty();
  };
  EXPECT_TRUE(revived_by(plain_config(), "F"));
  EXPECT_FALSE(revived_by(with(&Habits::late_scan_modifiers), "F"));
  EXPECT_TRUE(revived_by(with(&Habits::late_scan_modifiers), "FI"));

  // A reaches the running scan, or only the next one.
  const auto reached = [](Config config) {
    config.active_limit = 1;
    Desk desk(config);
    desk.put(mail_for({"b@d.t"}), Queue::incoming);
    desk.arrive("a@d.t");  // fills the active queue: the scan goes on
    desk.trigger("A");
    const Snapshot::Scan scan = desk.state().incoming;
    EXPECT_TRUE(scan.open);
    EXPECT_TRUE(scan.next_all);
    return scan.all;
  };
  EXPECT_TRUE(reached(plain_config()));
  EXPECT_FALSE(reached(with(&Habits::late_scan_modifiers)));
}

// Both scans are open, and there is room for all: one message a turn from one queue, or from each.
TEST(Habits, DoubleImport) {
  const auto messages_after_one_turn = [](const Config& config) {
    Desk desk(config);
    for (const Queue queue : {Queue::incoming, Queue::deferred}) {
      for (int i = 0; i < 3; ++i) desk.put(mail_for({"r@d.t"}), queue);
    }
    desk.resolver_answers = false;
    desk.send(Triggered{"ID"});
    desk.send(Turn{});
    while (!desk.unanswered.empty()) {
      const Event event = desk.unanswered.front();
      desk.unanswered.pop_front();
      desk.send(event);
    }
    return desk.state().messages.size();
  };
  EXPECT_EQ(messages_after_one_turn(plain_config()), 1U);
  EXPECT_EQ(messages_after_one_turn(with(&Habits::double_import)), 2U);
}

TEST(Habits, SingleConnection) {
  const auto pending = [](const Config& config) {
    Desk desk(config);
    desk.slow = {"t"};
    for (const char* address : {"a@d.t", "b@d.t", "c@d.t"}) desk.arrive(address);
    return desk.waiting.size();
  };
  EXPECT_EQ(pending(plain_config()), 2U);
  EXPECT_EQ(pending(with(&Habits::single_connection)), 1U);
}

// The mail stays in memory, and is delivered when the transport lives again.
TEST(Habits, DeadTransportKeepsMail) {
  Desk now;
  now.refuses = {"t"};
  now.arrive("r@d.t");
  EXPECT_EQ(now.take().back(), "deliver retry 4.3.0 mail transport unavailable: r@d.t");
  Desk then(with(&Habits::dead_transport_keeps_mail));
  then.refuses = {"t"};
  then.arrive("r@d.t");
  EXPECT_EQ(then.take(), Words{"forget the defer log"});
  EXPECT_EQ(then.state().messages.size(), 1U);
  then.arrive("s@d.t");
  EXPECT_EQ(then.take().back(), "deliver retry 4.3.0 transport is unavailable: s@d.t") << "new mail does not wait";
  then.refuses.clear();
  then.pass(60);
  EXPECT_EQ(then.take(), Words{"deliver t d: r@d.t"});
}

TEST(Habits, CrashKillsTransport) {
  const auto after_a_crash = [](const Config& config) {
    Desk desk(config);
    desk.slow = {"t"};
    desk.arrive("a@d.t");
    desk.arrive("b@e.t");
    desk.greet();
    (void)desk.take();
    desk.end(false, {}, false);
    return desk.take();
  };
  EXPECT_EQ(after_a_crash(plain_config()), Words{"retry in 300"});
  EXPECT_EQ(after_a_crash(with(&Habits::crash_kills_transport)),
            (Words{"log failure of t", "retry in 300", "deliver retry 4.3.0 unknown mail transport error: b@e.t"}));
}

TEST(Habits, DefersItself) {
  const auto second = [](Config config) {
    config.default_transport.initial_concurrency = 1;
    Desk desk(config);
    desk.arrive("a@d.t");
    desk.end(true, {"4.4.1", "no"});
    desk.arrive("b@d.t");
    return desk.take().back();
  };
  EXPECT_EQ(second(plain_config()), "deliver retry 4.4.1 delivery temporarily suspended: no: b@d.t");
  EXPECT_EQ(second(with(&Habits::defers_itself)), "append defer b@d.t delayed 4.4.1 no");

  Desk desk(with(&Habits::defers_itself));
  desk.resolver["fail@d.t"] = {"x", "y", "placeholder", kResolveFail};
  desk.arrive("fail@d.t");
  EXPECT_EQ(desk.take().back(), "append defer fail@d.t delayed 4.3.0 address resolver failure");
}

// 5, then one more for each success; one less for each failure, and dead at 0.
TEST(Habits, WholeSteps) {
  Config config = with(&Habits::whole_steps);
  config.default_transport.negative_feedback = {.parameter = "",
                                                .text = "1/concurrency",
                                                .well_formed = true,
                                                .kind = Feedback::Kind::per_concurrency,
                                                .value = 1};
  config.default_transport.initial_concurrency = 2;
  Desk desk(config);
  for (int i = 0; i < 8; ++i) desk.arrive("r@d.t");
  const auto window = [&] { return transport(desk.state(), "t").destinations.at(0).window; };
  EXPECT_EQ(window(), 2);
  desk.end();
  EXPECT_EQ(window(), 3);
  desk.end();
  EXPECT_EQ(window(), 4);
  for (const int expected : {3, 2, 1, 0}) {
    desk.end(true, {"4.4.1", "no"});
    EXPECT_EQ(window(), expected);
  }
  desk.trigger("F");  // alive again, with the initial value whatever is under way
  EXPECT_TRUE(transport(desk.state(), "t").destinations.empty() ||
              transport(desk.state(), "t").destinations.at(0).window == 2);
}

// Room for more recipients is used at once, or when nothing else can be sent.
TEST(Habits, LateReads) {
  const auto unread_at_the_first_delivery = [](Config config) {
    config.message_recipient_limit = config.active_limit = 4;
    config.message_recipient_minimum = 4;
    config.default_transport.recipient_limit = 1;
    config.default_transport.concurrency_limit = config.default_transport.initial_concurrency = 1;
    config.default_transport.refill_limit = 1;
    Desk desk(config);
    desk.slow = {"t"};
    desk.arrive(mail_for({"a@d.t", "b@d.t", "c@d.t", "e@d.t", "f@d.t", "g@d.t", "h@d.t", "i@d.t"}));
    EXPECT_EQ(desk.state().messages.at(0).unread, 4);
    desk.greet();
    EXPECT_EQ(desk.running.size(), 1U);
    return desk.state().messages.at(0).unread;
  };
  EXPECT_EQ(unread_at_the_first_delivery(plain_config()), 0);
  EXPECT_EQ(unread_at_the_first_delivery(with(&Habits::late_reads)), 4);
}

TEST(Habits, LateReadsHaveNoBoundOfTheirOwn) {
  const auto unread_after_the_first_read = [](const Config& config) {
    Desk desk(config);
    desk.slow = {"t"};
    Mail mail;
    for (int i = 0; i < 6000; ++i) mail.recipients.push_back(to("r@d.t"));
    desk.arrive(std::move(mail));
    return desk.state().messages.at(0).unread;
  };
  EXPECT_EQ(unread_after_the_first_read(plain_config()), 1000);
  EXPECT_EQ(unread_after_the_first_read(with(&Habits::late_reads)), 0);
}

// Two batches for one destination while an agent is awaited: the second fills up the entry of the first, or not.
TEST(Habits, NeighbourBundling) {
  const auto entries = [](Config config) {
    config.message_recipient_limit = config.active_limit = 4;
    config.message_recipient_minimum = 4;
    config.default_transport.concurrency_limit = config.default_transport.initial_concurrency = 1;
    config.default_transport.recipient_limit = 3;
    config.default_transport.refill_limit = 1;
    Desk desk(config);
    desk.slow = {"t"};
    desk.arrive(mail_for({"a@d.t", "b@d.t", "c@d.t", "e@d.t", "f@d.t", "g@d.t"}));
    desk.greet();  // a b c are sent; e waits
    desk.end();
    desk.greet();  // more are read: f and g
    return desk.take().back();
  };
  EXPECT_EQ(entries(plain_config()), "deliver t d: e@d.t f@d.t g@d.t");
  EXPECT_EQ(entries(with(&Habits::neighbour_bundling)), "deliver t d: e@d.t");
}

//= R-GEN-09 test
TEST(Habits, SilentDoubleBounce) {
  const auto discarded = [](const Config& config) {
    Desk desk(config);
    desk.resolver["double-bounce@d.t"] = {"local", "d", "double-bounce@d", kResolveClassLocal};
    Mail mail = mail_for({"double-bounce@d.t"});
    mail.envelope.trace_flags = kTraceRecord;
    desk.arrive(std::move(mail));
    return desk.take();
  };
  EXPECT_EQ(discarded(plain_config()), (Words{"forget the defer log",
                                              "append trace double-bounce@d delivered 2.0.0 "
                                              "undeliverable postmaster notification discarded"}));
  EXPECT_EQ(discarded(with(&Habits::silent_double_bounce)).at(1), "done 1");
}

TEST(Habits, KeepAddressExtension) {
  const auto name = [](Config config) {
    config.recipient_delimiter = "+";
    config.default_transport.recipient_limit = 1;
    Desk desk(config);
    desk.arrive("User+Ext@d.t");
    return transport(desk.state(), "t").destinations.at(0).name;
  };
  EXPECT_EQ(name(plain_config()), "user@d");
  EXPECT_EQ(name(with(&Habits::keep_address_extension)), "user+ext@d");
}

TEST(Habits, FilterAfterResolver) {
  const auto delivered = [](Config config, const std::string& filter, Answer answer) {
    config.default_filter_nexthop = "default";
    Desk desk(config);
    desk.resolver["r@d.t"] = std::move(answer);
    Mail mail = mail_for({"r@d.t"});
    mail.envelope.filter = filter;
    desk.arrive(std::move(mail));
    return desk.take().back();
  };
  const Answer rewritten{"u", "v", "other@d.t", 0};
  const Answer failed{"", "", "", kResolveFail};
  EXPECT_EQ(delivered(plain_config(), "scan:", failed), "deliver scan default: r@d.t") << "nobody is asked";
  const Config old = with(&Habits::filter_after_resolver);
  EXPECT_EQ(delivered(old, "scan:hop", rewritten), "deliver scan hop: r@d.t");
  EXPECT_EQ(delivered(old, "scan:", rewritten), "deliver scan localhost: r@d.t");
  EXPECT_EQ(delivered(old, "scan:hop", failed), "deliver retry 4.3.0 address resolver failure: r@d.t");
}

// --- what the page says and today's program does ---------------------------------------------------------

//= R-PAR-042 test
//= R-PAR-045 test
TEST(Habits, SlotCostsOfZeroAndOneMeanNoPreemption) {
  const auto third_delivery = [](int cost) {
    Config config = plain_config();
    config.default_transport.slot_cost = cost;
    config.default_transport.slot_loan = 0;
    config.default_transport.slot_discount = 0;
    config.default_transport.minimum_slots = 0;
    config.default_transport.recipient_limit = 1;
    config.default_transport.concurrency_limit = config.default_transport.initial_concurrency = 1;
    Desk desk(config);
    desk.slow = {"t"};
    desk.arrive(mail_for({"a@d.t", "b@d.t", "c@d.t", "e@d.t", "f@d.t", "g@d.t"}));
    desk.arrive("small@d.t");
    for (int i = 0; i < 2; ++i) {
      desk.greet();
      desk.end();
    }
    desk.greet();
    return desk.take().back();
  };
  EXPECT_EQ(third_delivery(2), "deliver t d: small@d.t");
  EXPECT_EQ(third_delivery(1), "deliver t d: c@d.t");
  EXPECT_EQ(third_delivery(0), "deliver t d: c@d.t");
}

//= R-PAR-009 test
TEST(Habits, NoClogWarningsAtZero) {
  const auto warned = [](int seconds) {
    Config config = plain_config();
    config.active_limit = 5;
    config.clog_warn_time = Seconds{seconds};
    std::unique_ptr<InspectableBrain> brain = make_brain(config);
    std::vector<Command> commands;
    const auto tell = [&](const Event& event) { brain->handle(at_second(Seconds{1'000'000'000}), event, commands); };
    tell(Started{});
    for (std::uint64_t i = 1; i <= 2; ++i) {
      tell(Turn{});
      tell(ScanEntry{.queue = i == 1 ? Queue::incoming : Queue::deferred, .queue_id = "M", .mtime = Seconds{1}});
      tell(Admitted{MessageId{i}, {}, {{to("r@d.t")}, false, 0}, false});
      tell(Resolved{MessageId{i}, {{"t", "d", "r@d.t", 0}}});
    }
    return std::any_of(commands.begin(), commands.end(), [](const Command& command) {
      const auto* log = std::get_if<Log>(&command);
      return log != nullptr && std::holds_alternative<LogClogged>(log->record);
    });
  };
  EXPECT_TRUE(warned(300));
  EXPECT_FALSE(warned(0));
}

}  // namespace
}  // namespace weir::testing
