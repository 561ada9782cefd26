// Rules that no recorded schedule reaches, one small test each.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "support/desk.hpp"

namespace weir::testing {
namespace {

Words without_the_defer_log(Words words) {
  std::erase(words, "forget the defer log");
  return words;
}

constexpr const char* kUnavailable = "4.3.0 mail transport unavailable";

// --- forced expiry -----------------------------------------------------------------------------------

TEST(Rules, ForcedExpiryWithoutADeferLogGivesTheReasonToTheRetryTransport) {
  Desk desk;
  Mail mail;
  mail.recipients = {to("r@d.t"), to("s@e.t")};
  mail.expire = true;
  desk.arrive(mail);
  EXPECT_EQ(desk.take(),
            (Words{"forget the defer log", "deliver retry 4.7.0 message is administratively expired: r@d.t s@e.t"}));
  desk.end(true);
  EXPECT_EQ(desk.take(), (Words{"log force-expired", "report defer flush 2"}));
  desk.answer();
  EXPECT_EQ(desk.take(), Words{"remove"});
}

TEST(Rules, ForcedExpiryWithADeferLogDeliversNothing) {
  Desk desk;
  Mail mail;
  mail.recipients = {to("r@d.t")};
  mail.expire = mail.defer_log = true;
  desk.arrive(mail);
  EXPECT_EQ(desk.take(), (Words{"log force-expired", "report defer flush 2"}));
  desk.answer(false);
  EXPECT_EQ(desk.take(), (Words{"log report failed", "retry in 300"}));
}

// Unread recipients may be missing in the defer log: they are returned with the reason.
TEST(Rules, ForcedExpiryReadsARecipientListToItsEnd) {
  Config config = plain_config();
  config.message_recipient_limit = config.active_limit = config.message_recipient_minimum = 1;
  config.default_transport.recipient_pool = 0;
  Desk desk(config);
  Mail mail;
  mail.recipients = {to("r@d.t"), to("s@e.t"), to("u@f.t")};
  mail.expire = mail.defer_log = true;
  desk.arrive(mail);
  EXPECT_EQ(desk.take(), Words{"deliver retry 4.7.0 message is administratively expired: s@e.t"});
  while (!desk.running.empty()) desk.end(true);
  EXPECT_EQ(desk.take(), (Words{"deliver retry 4.7.0 message is administratively expired: u@f.t", "log force-expired",
                                "report defer flush 2"}));
  desk.answer();
  EXPECT_EQ(desk.take(), Words{"remove"});
}

TEST(Rules, ForcedExpiryComesBeforeTheDiscardingOfDoubleBounces) {
  Desk desk;
  desk.resolver["double-bounce@d.t"] = {"local", "d", "double-bounce@d", kResolveClassLocal};
  Mail mail;
  mail.recipients = {to("double-bounce@d.t")};
  mail.expire = true;
  desk.arrive(mail);
  EXPECT_EQ(desk.take().back(), "deliver retry 4.7.0 message is administratively expired: double-bounce@d");
}

// --- where recipients go -----------------------------------------------------------------------------

TEST(Rules, ARedirectTakesOneRecipientAndDropsTheRest) {
  Config config = plain_config();
  config.message_recipient_limit = config.active_limit = config.message_recipient_minimum = 2;
  Desk desk(config);
  Mail mail;
  mail.recipients = {to("z@d.t"), to("a@d.t"), to("b@d.t")};
  mail.envelope.redirect = "new@place.u";
  desk.arrive(mail);
  EXPECT_EQ(desk.take(), (Words{"forget the defer log", "drop the unread", "deliver u place: new@place.u"}));
  EXPECT_EQ(desk.running.front().recipients.front().offset, 2) << "the first in sorting order";
  desk.end();
  EXPECT_EQ(desk.take(), Words{"remove"});
}

//= R-PAR-004 test
//= R-PAR-005 test
TEST(Rules, AContentFilterNeedsNoResolver) {
  const auto delivered = [](const Config& config, const std::string& filter, const std::string& address) {
    Desk desk(config);
    desk.resolver_answers = false;
    Mail mail;
    mail.recipients = {to(address)};
    mail.envelope.filter = filter;
    desk.arrive(mail);
    return desk.take().back();
  };
  Config config = plain_config();
  EXPECT_EQ(delivered(config, "scan:hop:25", "r@d.t"), "deliver scan hop:25: r@d.t");
  EXPECT_EQ(delivered(config, "scan:", "r@d.t"), "deliver scan d.t: r@d.t");
  EXPECT_EQ(delivered(config, "scan", "r"), "deliver scan localhost: r");
  EXPECT_EQ(delivered(config, "", "r@d.t"), "deliver  d.t: r@d.t");
  config.default_filter_nexthop = "default";
  EXPECT_EQ(delivered(config, "scan:", "r@d.t"), "deliver scan default: r@d.t");
}

TEST(Rules, AProbeGoesPastTheContentFilter) {
  Desk desk;
  Mail mail;
  mail.recipients = {to("r@d.t")};
  mail.envelope.filter = "scan:hop";
  mail.envelope.trace_flags = kTraceVerifyMta;
  desk.arrive(mail);
  EXPECT_EQ(desk.take().back(), "deliver t d: r@d.t");
}

//= R-PAR-075 test
TEST(Rules, MoreProbesThanTheLimitAreDeferred) {
  Config config = plain_config();
  config.verify_pending_limit = 1;
  Desk desk(config);
  Mail probe;
  probe.recipients = {to("r@d.t")};
  probe.envelope.trace_flags = kTraceVerifyMta;
  desk.arrive(probe);
  EXPECT_EQ(desk.take().back(), "deliver t d: r@d.t");
  desk.arrive("s@d.t");
  EXPECT_EQ(desk.take().back(), "deliver t d: s@d.t") << "only probes count";
  desk.arrive(probe);
  EXPECT_EQ(desk.take().back(), "deliver retry 4.3.2 Too many address verification requests: r@d.t");
}

TEST(Rules, WhatTheResolverCannotAnswerIsDeferredOrBounced) {
  Desk desk;
  desk.resolver["fail@d.t"] = {"x", "y", "NEXTRCPT NOT UPDATED", kResolveFail};
  desk.resolver["bad@d.t"] = {"x", "y", "bad@d.t", kResolveError};
  desk.resolver["null@d.t"] = {"x", "y", "", 0};
  desk.arrive("fail@d.t");
  EXPECT_EQ(desk.take().back(), "deliver retry 4.3.0 address resolver failure: fail@d.t");
  desk.arrive("bad@d.t");
  EXPECT_EQ(desk.take().back(), "deliver error 5.1.3 bad address syntax: bad@d.t");
  desk.arrive("null@d.t");
  EXPECT_EQ(desk.take().back(), "deliver error 5.1.3 null recipient address: ");
}

//= R-PAR-077 test
TEST(Rules, DeferredTransportsWaitUnlessAFlushLiftsThem) {
  Config config = plain_config();
  config.defer_transports = {"t"};
  Desk desk(config);
  desk.arrive("r@d.t");
  EXPECT_EQ(desk.take().back(), "deliver retry 4.3.2 deferred transport: r@d.t");
  Mail flushed;
  flushed.recipients = {to("r@d.t")};
  flushed.flush = true;
  desk.arrive(flushed);
  EXPECT_EQ(desk.take().back(), "deliver t d: r@d.t");
  desk.trigger("F");
  desk.arrive("s@d.t");
  EXPECT_EQ(desk.take().back(), "deliver t d: s@d.t");
}

// --- discarded double bounces ------------------------------------------------------------------------

struct Discarding {
  Desk desk;
  explicit Discarding(unsigned trace_flags, unsigned notify = 0, bool warned = false) : desk(config()) {
    desk.resolver["bounce@here.t"] = {"local", "here", "Double-Bounce@here", kResolveClassLocal};
    Mail mail;
    mail.recipients = {to("bounce@here.t")};
    mail.recipients[0].notify = notify;
    mail.recipients[0].original = "original@here";
    mail.envelope.trace_flags = trace_flags;
    if (warned) mail.envelope.warn_time = Seconds{-1};
    desk.arrive(mail);
  }
  static Config config() {
    Config config = plain_config();
    config.confirm_delay_cleared = true;
    return config;
  }
  Words take() { return without_the_defer_log(desk.take()); }
};

constexpr const char* kDiscarded = "undeliverable postmaster notification discarded";
const std::string kSent = std::string("log Double-Bounce@here sent ") + kDiscarded;
const std::string kTraced = std::string("append trace Double-Bounce@here delivered 2.0.0 ") + kDiscarded;

//= R-GEN-08 test
//= R-GEN-10 test
TEST(Rules, MailToDoubleBounceIsDiscarded) {
  EXPECT_EQ(Discarding(0).take(), (Words{kSent, "done 1", "remove"}));
  Desk elsewhere;
  elsewhere.arrive("double-bounce@d.t");
  EXPECT_EQ(elsewhere.take().back(), "deliver t d: double-bounce@d.t") << "not a local address";
}

TEST(Rules, ADiscardedMessageLeavesTheRecordsThatWereAskedFor) {
  Discarding recorded(kTraceRecord);
  EXPECT_EQ(recorded.take(), Words{kTraced});
  recorded.desk.answer();
  EXPECT_EQ(recorded.take(), (Words{kSent, "done 1", "report trace trace 1024"}));
  recorded.desk.answer();
  EXPECT_EQ(recorded.take(), Words{"remove"});

  EXPECT_EQ(Discarding(0, kNotifySuccess).take(), Words{kTraced});
  EXPECT_EQ(Discarding(0, kNotifyDelay, true).take(), Words{kTraced});
  EXPECT_EQ(Discarding(0, kNotifyFailure, true).take().front(), kSent);
}

TEST(Rules, ADiscardedTestMessageOrProbeIsDeliverable) {
  Discarding test(kTraceVerifyUser);
  EXPECT_EQ(test.take(), Words{std::string("append trace Double-Bounce@here deliverable 2.0.0 ") + kDiscarded});
  test.desk.answer();
  EXPECT_EQ(test.take().front(), std::string("log Double-Bounce@here deliverable ") + kDiscarded);

  Discarding probe(kTraceVerifyMta);
  EXPECT_EQ(probe.take(), Words{std::string("verify original@here 0 ") + kDiscarded});
  probe.desk.answer();
  EXPECT_EQ(probe.take(), Words{std::string("verify Double-Bounce@here 0 ") + kDiscarded});
  probe.desk.answer();
  EXPECT_EQ(probe.take(), (Words{std::string("log Double-Bounce@here deliverable ") + kDiscarded, "done 1", "remove"}));
}

TEST(Rules, ADiscardWithoutItsTraceRecordIsADeferral) {
  Discarding recorded(kTraceRecord);
  (void)recorded.take();
  recorded.desk.answer(false);
  EXPECT_EQ(recorded.take(),
            (Words{"log service failure", "append defer Double-Bounce@here delayed 4.3.0 M: trace service failed"}));
  recorded.desk.answer();
  EXPECT_EQ(recorded.take().front(), "log Double-Bounce@here deferred M: trace service failed");
}

// --- deferrals of our own ----------------------------------------------------------------------------

//= R-STR-12 test
//= R-STR-13 test
TEST(Rules, WithoutARetryTransportDeferralsAreRecordedHere) {
  Desk desk;
  desk.refuses = {"t", "retry"};
  Mail mail;
  mail.recipients = {to("r@d.t")};
  mail.envelope.trace_flags = kTraceRecord;
  desk.arrive(mail);
  EXPECT_EQ(desk.take(), (Words{"forget the defer log", std::string("append defer r@d.t delayed ") + kUnavailable}));
  desk.answer();
  EXPECT_EQ(desk.take(), (Words{"log r@d.t deferred mail transport unavailable",
                                std::string("append trace r@d.t delayed ") + kUnavailable}));
  desk.answer(false);
  EXPECT_EQ(desk.take(), (Words{"log service failure", "log service failure", "flush d.t"}));
  desk.answer();
  EXPECT_EQ(desk.take(), Words{"report trace trace 1024"});
  desk.answer();
  EXPECT_EQ(desk.take(), Words{"retry in 300"});
}

TEST(Rules, AFailingDeferServiceIsNoReasonToKeepMailHere) {
  Desk desk;
  desk.refuses = {"t", "retry"};
  desk.arrive("r@d.t");
  (void)desk.take();
  desk.answer(false);
  EXPECT_EQ(desk.take(), (Words{"log service failure", "log r@d.t deferred mail transport unavailable", "flush d.t"}));
  desk.answer(false);
  EXPECT_EQ(desk.take(), (Words{"log service failure", "retry in 300"}));
}

TEST(Rules, DeferralsOfProbesAndTestMessagesGoToTheirOwnServices) {
  Config config = plain_config();
  for (const bool cached : {true, false}) {
    config.verify_negative_cache = cached;
    Desk desk(config);
    desk.refuses = {"t", "retry"};
    Mail probe;
    probe.recipients = {to("r@d.t")};
    probe.envelope.trace_flags = kTraceVerifyMta;
    desk.arrive(probe);
    if (cached) {
      EXPECT_EQ(without_the_defer_log(desk.take()), Words{"verify r@d.t 1 mail transport unavailable"});
      desk.answer();
      EXPECT_EQ(desk.take(), (Words{"log r@d.t undeliverable mail transport unavailable", "remove"}));
    } else {
      EXPECT_EQ(without_the_defer_log(desk.take()),
                (Words{"log r@d.t undeliverable-but-not-cached mail transport unavailable", "remove"}));
    }
  }
  Desk desk;
  desk.refuses = {"t", "retry"};
  Mail test;
  test.recipients = {to("r@d.t")};
  test.envelope.trace_flags = kTraceVerifyUser;
  desk.arrive(test);
  EXPECT_EQ(without_the_defer_log(desk.take()), Words{std::string("append trace r@d.t undeliverable ") + kUnavailable});
  ;
  desk.answer();
  EXPECT_EQ(desk.take(), (Words{"log r@d.t undeliverable mail transport unavailable", "report trace trace 512"}));
  desk.answer();
  EXPECT_EQ(desk.take(), Words{"remove"});
}

// Nobody has the answer: the question is asked again.
TEST(Rules, AProbeWhoseOutcomeCannotBeToldIsKept) {
  for (const unsigned flag : {kTraceVerifyMta, kTraceVerifyUser}) {
    Desk desk;
    desk.refuses = {"t", "retry"};
    Mail mail;
    mail.recipients = {to("r@d.t")};
    mail.envelope.trace_flags = flag;
    desk.arrive(mail);
    (void)desk.take();
    desk.answer(false);
    Words seen = desk.take();
    EXPECT_EQ(seen.front(), "log service failure");
    if (flag == kTraceVerifyUser) {
      EXPECT_EQ(seen.back(), "report trace trace 512");
      desk.answer();
      seen = desk.take();
    }
    EXPECT_EQ(seen.back(), "retry in 300");
  }
}

TEST(Rules, ADiscardedTestMessageWithoutItsTraceRecordIsKept) {
  Discarding test(kTraceVerifyUser);
  (void)test.take();
  test.desk.answer(false);
  EXPECT_EQ(test.take(), (Words{"log service failure", "report trace trace 512"}));
  test.desk.answer();
  EXPECT_EQ(test.take(), Words{"retry in 300"});
}

// Own deferrals of a message that is not read to its end: the rest is read when they are over.
TEST(Rules, UnreadRecipientsFollowWhenTheDeferralsAreOver) {
  Config config = plain_config();
  config.message_recipient_limit = config.active_limit = config.message_recipient_minimum = 1;
  config.default_transport.recipient_pool = 0;
  Desk desk(config);
  desk.refuses = {"t", "retry"};
  Mail mail;
  mail.recipients = {to("a@d.t"), to("b@d.t")};
  desk.arrive(mail);
  EXPECT_EQ(desk.take().back(), std::string("append defer a@d.t delayed ") + kUnavailable);
  desk.answer();
  desk.answer();
  EXPECT_EQ(desk.take().back(), std::string("append defer b@d.t delayed ") + kUnavailable);
  desk.answer();
  desk.answer();
  EXPECT_EQ(desk.take().back(), "retry in 300");
}

// The real program reads in the middle of the walk, and a flush request revives what it still walks over: DV-25.
TEST(Rules, RecipientsAreReadAfterAWalkNotInIt) {
  Config config = plain_config();
  config.message_recipient_limit = config.active_limit = 2;
  config.message_recipient_minimum = 1;
  config.default_transport.recipient_pool = 0;
  config.default_transport.initial_concurrency = 1;
  Desk desk(config);
  desk.slow = {"t"};
  desk.refuses = {"retry"};
  Mail flushed;
  flushed.recipients = {to("a@d.t"), to("b@d.t"), to("c@d.t")};
  flushed.flush = true;
  desk.arrive(flushed);
  desk.arrive("x@d.t");
  (void)desk.take();
  const std::size_t connections = desk.waiting.size();
  desk.send(AgentFailed{desk.waiting.front(), AgentProblem::connect});
  desk.settle();
  const std::string reason = std::string(" delayed ") + kUnavailable;
  EXPECT_EQ(desk.take(),
            (Words{"append defer a@d.t" + reason, "append defer b@d.t" + reason, "append defer x@d.t" + reason}));
  EXPECT_TRUE(transport(desk.state(), "t").dead) << "nothing has been read yet";
  while (!desk.asked.empty()) desk.answer();
  EXPECT_FALSE(transport(desk.state(), "t").dead) << "revived by the next batch";
  EXPECT_EQ(desk.waiting.size(), connections + 1);
}

// --- the end of a message ----------------------------------------------------------------------------

TEST(Rules, ADelayIsToldOfOnce) {
  Desk desk;
  Mail mail;
  mail.recipients = {to("r@d.t")};
  mail.envelope.warn_time = desk.now() + Seconds{1};
  desk.arrive(mail);
  desk.end(true);
  EXPECT_EQ(desk.take().back(), "report defer warn 0");
  desk.answer();
  EXPECT_EQ(desk.take(), (Words{"mark as warned", "retry in 300"}));

  desk.arrive(mail);
  desk.end(true);
  desk.answer(false);
  Words failed = desk.take();
  EXPECT_EQ(failed.back(), "retry in 300");
  EXPECT_EQ(std::count(failed.begin(), failed.end(), "mark as warned"), 0) << "told again next time";

  mail.envelope.warn_time = Seconds{-1};  // what the mark says
  desk.arrive(mail);
  desk.end(true);
  EXPECT_EQ(desk.take().back(), "retry in 300");

  mail.envelope.warn_time = desk.now() + Seconds{2};
  desk.arrive(mail);
  desk.end(true);
  EXPECT_EQ(desk.take().back(), "retry in 300") << "not yet";
}

//= R-PAR-085 test
TEST(Rules, AfterADelayWarningSuccessIsToldOf) {
  for (const bool wanted : {true, false}) {
    Config config = plain_config();
    config.confirm_delay_cleared = wanted;
    Desk desk(config);
    Mail mail;
    mail.recipients = {to("r@d.t")};
    mail.envelope.warn_time = Seconds{-1};
    desk.arrive(mail);
    EXPECT_EQ((desk.running.front().flags & kTraceDelayCleared) != 0, wanted);
    desk.end();
    EXPECT_EQ(desk.take().back(), wanted ? "report trace trace 8192" : "remove");
  }
}

TEST(Rules, ARecordThatWasAskedForIsSentOnce) {
  Desk desk;
  Mail mail;
  mail.recipients = {to("r@d.t")};
  mail.envelope.trace_flags = kTraceRecord;
  mail.envelope.trace_offset = 77;
  desk.arrive(mail);
  desk.end(true);
  desk.answer();
  EXPECT_EQ(desk.take().back(), "retry in 300");
  mail.envelope.trace_flags = 0;
  mail.envelope.trace_offset = 0;
  mail.envelope.success_notify = true;
  desk.arrive(mail);
  desk.end();
  (void)desk.take();
  desk.answer(false);
  EXPECT_EQ(desk.take(), (Words{"log report failed", "retry in 300"})) << "delivered, but the report is missing";
}

//= R-PAR-062 test
//= R-PAR-068 test
TEST(Rules, MailFromTheNullSenderHasALifetimeOfItsOwn) {
  Config config = plain_config();
  config.maximal_lifetime = Seconds{1000};
  config.bounce_lifetime = Seconds{10};
  Desk desk(config);
  Mail mail;
  mail.recipients = {to("r@d.t")};
  mail.envelope.create_time = desk.now() - Seconds{10};
  desk.arrive(mail);
  desk.end(true);
  EXPECT_EQ(desk.take().back(), "report defer flush 2");
  desk.answer();
  EXPECT_EQ(desk.take(), Words{"remove"});
  mail.envelope.create_time += Seconds{1};
  desk.arrive(mail);
  desk.end(true);
  EXPECT_EQ(desk.take().back(), "retry in 300");
  mail.envelope.create_time = desk.now() - Seconds{999};
  mail.envelope.sender = "s@example";
  desk.arrive(mail);
  desk.end(true);
  EXPECT_EQ(desk.take().back(), "retry in 999");
}

//= R-REP-07 test
TEST(Rules, BouncesAreSentBeforeAnythingElse) {
  Desk desk;
  Mail mail;
  mail.recipients = {to("r@d.t")};
  mail.bounce_log = LogFileState::present;
  mail.envelope.verp_delimiters = "+=";
  desk.arrive(mail);
  desk.end();
  EXPECT_EQ(desk.take().back(), "report bounce flush verp 0");
  desk.answer(false);
  EXPECT_EQ(desk.take(), (Words{"log report failed", "retry in 300"}));
  mail.bounce_log = LogFileState::empty;
  desk.arrive(mail);
  desk.end();
  EXPECT_EQ(desk.take().back(), "remove");
}

TEST(Rules, AFileThatAnAgentCondemnedIsCorrupt) {
  Desk desk;
  Mail mail;
  mail.recipients = {to("r@d.t")};
  mail.file = FileState::not_ready;
  desk.arrive(mail);
  desk.end(true);
  EXPECT_EQ(desk.take().back(), "corrupt");
  EXPECT_TRUE(desk.state().messages.empty());
}

TEST(Rules, VerpMakesADeliveryOfEachRecipient) {
  Desk desk;
  Mail mail;
  mail.recipients = {to("a@d.t"), to("b@d.t")};
  mail.envelope.verp_delimiters = "+=";
  desk.arrive(mail);
  EXPECT_EQ(without_the_defer_log(desk.take()), (Words{"deliver t d: a@d.t", "deliver t d: b@d.t"}));
}

// --- a file that can no longer be read ---------------------------------------------------------------

Config small_batches() {
  Config config = plain_config();
  config.message_recipient_limit = config.active_limit = 2;
  config.message_recipient_minimum = 2;
  config.default_transport.recipient_pool = 2;
  config.default_transport.refill_limit = 1;
  return config;
}

Mail mail_that_cannot_be_read_on() {
  Mail mail;
  mail.recipients = {to("a@d.t"), to("b@e.t"), to("c@f.t"), to("d@g.t")};
  mail.readable = false;
  return mail;
}

TEST(Rules, ARefillThatFailsIsTheEndOnlyWhenNothingElseGoesOn) {
  Desk desk(small_batches());
  desk.arrive(mail_that_cannot_be_read_on());
  EXPECT_EQ(desk.running.size(), 2U);
  desk.end();
  EXPECT_EQ(desk.state().messages.size(), 1U);
  (void)desk.take();
  desk.end();
  EXPECT_EQ(desk.take().back(), "corrupt");
  EXPECT_TRUE(desk.state().messages.empty());
  EXPECT_TRUE(transport(desk.state(), "t").jobs.empty());
}

TEST(Rules, WhatTheClockSaysComesBeforeARefill) {
  Desk desk(small_batches());
  desk.arrive(mail_that_cannot_be_read_on());
  desk.end();
  desk.pass(-100);
  (void)desk.take();
  desk.end();
  EXPECT_EQ(desk.take(), (Words{"log jump", "cannot read on", "corrupt"}));
}

// The slots of a job that had been retired with its recipients in memory are not lost.
TEST(Rules, ACorruptFileGivesItsRecipientSlotsBack) {
  Config config = small_batches();
  config.message_recipient_minimum = 1;
  config.default_transport.recipient_pool = 1;
  config.default_transport.refill_limit = 100;
  Desk desk(config);
  Mail mail;
  mail.recipients = {to("a@d.t"), to("b@e.t"), to("c@f.t")};
  desk.slow = {"t"};
  const MessageId id = desk.arrive(mail);
  desk.greet();
  desk.greet();  // both entries run
  if (!desk.waiting.empty()) desk.greet();
  desk.arrive("x@d.t");  // looks again: the job has nothing left and is retired
  if (!desk.waiting.empty()) desk.greet();
  desk.mail(id).readable = false;
  while (!desk.running.empty()) desk.end();
  EXPECT_TRUE(desk.state().messages.empty());
  EXPECT_EQ(transport(desk.state(), "t").pool, 1);
}

// --- transports, destinations, time ------------------------------------------------------------------

TEST(Rules, ACrashDoesNotLockATransportWithARateDelay) {
  Config config = plain_config();
  config.default_transport.transport_rate_delay = Seconds{3};
  Desk desk(config);
  desk.arrive("r@d.t");
  desk.pass(3);
  EXPECT_EQ(desk.take().back(), "deliver t d: r@d.t");
  desk.end(true, {}, false);
  EXPECT_EQ(desk.take().back(), "retry in 300");
  desk.arrive("s@d.t");
  EXPECT_EQ(desk.take().back(), "forget the defer log") << "it waits for its delay";
  desk.pass(3);
  EXPECT_EQ(desk.take(), Words{"deliver t d: s@d.t"});
}

const Dsn kSiteFailure{"4.4.1", "no route"};
constexpr const char* kDead = "deliver retry 4.4.1 delivery temporarily suspended: no route: ";

TEST(Rules, ADestinationThatRestsForgetsThatItIsDead) {
  for (const int delay : {0, 5}) {
    Config config = plain_config();
    config.default_transport.destination_rate_delay = Seconds{delay};
    config.default_transport.initial_concurrency = 1;
    Desk desk(config);
    desk.arrive("r@d.t");
    desk.arrive("s@d.t");
    desk.end(true, kSiteFailure);
    EXPECT_EQ(desk.take().back(), std::string(kDead) + "s@d.t") << "what waited is moved away in any case";
    desk.end(true);
    desk.arrive("u@d.t");
    if (delay == 0) {
      EXPECT_EQ(desk.take().back(), std::string(kDead) + "u@d.t");
    } else {
      (void)desk.take();
      desk.pass(4);
      EXPECT_EQ(desk.take(), Words{});
      desk.pass(1);
      EXPECT_EQ(desk.take(), Words{"deliver t d: u@d.t"});
    }
  }
}

// A destination and a transport that are both dead.
struct Dead {
  Desk desk;
  Dead() : desk(config()) {
    desk.arrive("r@d.t");
    desk.end(true, kSiteFailure);
    desk.refuses = {"u"};
    desk.arrive("r@d.u");
    desk.end(true);
    desk.refuses = {};
    (void)desk.take();
  }
  static Config config() {
    Config config = plain_config();
    config.default_transport.initial_concurrency = 1;
    return config;
  }
  std::string where(const std::string& address, bool flush = false) {
    Mail mail;
    mail.recipients = {to(address)};
    mail.flush = flush;
    desk.arrive(mail);
    const std::string last = desk.take().back();
    desk.end(last.find("retry") != std::string::npos);
    (void)desk.take();
    return last;
  }
};

//= R-TRG-09 test
TEST(Rules, FForgetsDeadTransportsAndDestinations) {
  Dead dead;
  EXPECT_EQ(dead.where("s@d.t"), std::string(kDead) + "s@d.t");
  EXPECT_EQ(dead.where("s@d.u"), std::string("deliver retry ") + kUnavailable + ": s@d.u");
  dead.desk.trigger("F");
  EXPECT_EQ(dead.where("s@d.t"), "deliver t d: s@d.t");
  EXPECT_EQ(dead.where("s@d.u"), "deliver u d: s@d.u");
}

TEST(Rules, AMessageWithAFlushRequestRevivesWhatItMeets) {
  Dead dead;
  EXPECT_EQ(dead.where("s@d.t", true), "deliver t d: s@d.t");
  EXPECT_EQ(dead.where("s@d.u", true), "deliver u d: s@d.u");
  EXPECT_EQ(dead.where("s@d.t"), "deliver t d: s@d.t") << "for everybody";
  EXPECT_EQ(dead.where("s@d.u"), "deliver u d: s@d.u");
}

//= R-PAR-059 test
//= R-PAR-067 test
TEST(Rules, TheDeadComeBackByTheClock) {
  Dead dead;
  dead.desk.pass(59);
  EXPECT_EQ(dead.where("s@d.u"), std::string("deliver retry ") + kUnavailable + ": s@d.u");
  dead.desk.pass(1);
  EXPECT_EQ(dead.where("s@d.u"), "deliver u d: s@d.u");
  EXPECT_EQ(dead.where("s@d.t"), std::string(kDead) + "s@d.t");
  dead.desk.pass(240);
  EXPECT_EQ(dead.where("s@d.t"), "deliver t d: s@d.t");
}

TEST(Rules, ARequestThatCannotBeSentIsMovedAway) {
  Desk desk;
  desk.refuses_requests = true;
  desk.refuses = {"retry"};
  desk.arrive("r@d.t");
  EXPECT_EQ(desk.take().back(), std::string("append defer r@d.t delayed ") + kUnavailable);
}

// Steady time at the entry of each message, and what is said about the clock then.
struct Entries {
  explicit Entries(Config config = plain_config()) : desk(std::move(config)) { enter(); }
  std::int64_t after(std::int64_t seconds) {
    desk.pass(seconds);
    (void)desk.take();
    return enter();
  }
  std::int64_t enter() {
    desk.arrive("r" + std::to_string(++count) + "@d.t");
    const Words all = desk.take();
    said.clear();
    std::copy_if(all.begin(), all.end(), std::back_inserter(said), [](const std::string& word) {
      return word == "log jump" || word == "log another jump" || word == "log recovered";
    });
    const Seconds now = desk.state().messages.back().queued;
    if (!begin) begin = now;
    return (now - *begin).count();
  }

  Desk desk;
  int count = 0;
  Words said;
  std::optional<Seconds> begin;
};

TEST(Rules, SteadyTimeNeverRunsBackward) {
  Entries at;
  EXPECT_EQ(at.after(-100), 0);
  EXPECT_EQ(at.said, Words{"log jump"});
  EXPECT_EQ(at.after(1), 0);
  EXPECT_EQ(at.after(1), 1) << "half of the progress";
  EXPECT_EQ(at.after(3), 2);
  EXPECT_EQ(at.said, Words{});
  EXPECT_EQ(at.after(-10), 2);
  EXPECT_EQ(at.said, Words{"log another jump"});
  EXPECT_EQ(at.after(1), 3) << "and half a second from before";
  EXPECT_EQ(at.after(200), 96) << "the wall clock has caught up";
  EXPECT_EQ(at.said, Words{"log recovered"});
}

// What happens between two readings does not count.
TEST(Rules, AClockThatIsSetBackIsNoticedWhenSteadyTimeIsRead) {
  Entries at;
  at.desk.pass(-100);
  at.desk.pass(100);
  EXPECT_EQ(at.desk.take(), Words{});
  EXPECT_EQ(at.after(50), 50);
  EXPECT_EQ(at.said, Words{});
  at.desk.pass(100);
  EXPECT_EQ(at.after(-100), 50);
  EXPECT_EQ(at.said, Words{});
}

TEST(Rules, RoundRobinDoesNotSpeakOfAClockThatIsSetBack) {
  Config config = plain_config();
  config.scheduler = Scheduler::round_robin;
  Entries at(config);
  at.after(-100);
  EXPECT_EQ(at.said, Words{});
  at.after(200);
  EXPECT_EQ(at.said, Words{});
}

// A scan that ended is begun again in the same step, once; what is asked for meanwhile waits for the next turn.
TEST(Rules, AScanIsBegunAgainOnceInAStep) {
  const auto brain = make_brain(plain_config());
  std::vector<Command> commands;
  const auto send = [&](const Event& event) {
    commands.clear();
    brain->handle(at_second(Seconds{1'000'000'000}), event, commands);
    return commands;
  };
  const auto has = [](const std::vector<Command>& all, const Command& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  send(Started{});
  ASSERT_TRUE(has(send(Turn{}), ScanNext{Queue::incoming}));
  send(Triggered{"I"});
  ASSERT_TRUE(has(send(ScanEnded{Queue::incoming}), OpenScan{Queue::incoming}));
  EXPECT_TRUE(has(commands, ScanNext{Queue::incoming}));
  send(Triggered{"I"});
  EXPECT_FALSE(has(send(ScanEnded{Queue::incoming}), OpenScan{Queue::incoming}));
  send(ScanEnded{Queue::deferred});
  bool is_begun = false;
  for (int turn = 0; turn < 2 && !is_begun; ++turn) {
    is_begun = has(send(Turn{}), OpenScan{Queue::incoming});
    if (!is_begun) send(ScanEnded{Queue::deferred});
  }
  EXPECT_TRUE(is_begun);
}

// --- events that come twice, late, or while others are waited for ------------------------------------

// Every kind of event about a message, an agent or a ticket, true to none of them.
void send_strays(Desk& desk, MessageId message, AgentId agent, TicketId ticket) {
  Batch batch;
  batch.recipients = {to("stray@d.t")};
  for (const bool more : {false, true}) {
    batch.more = more;
    desk.send(Admitted{message, {}, batch, false});
    desk.send(RecipientsRead{message, batch});
  }
  for (const auto problem :
       {AdmitProblem::not_moved, AdmitProblem::vanished, AdmitProblem::locked, AdmitProblem::corrupt})
    desk.send(AdmitFailed{message, problem});
  desk.send(ReadFailed{message});
  desk.send(Resolved{message, {}});
  desk.send(Resolved{message, {{"t", "d", "stray@d.t", 0}}});
  desk.send(BounceLogChecked{message, LogFileState::present});
  desk.send(FileChecked{message, FileState::vanished});
  desk.send(AgentReady{agent});
  for (const auto problem : {AgentProblem::connect, AgentProblem::greeting}) desk.send(AgentFailed{agent, problem});
  desk.send(ServiceAnswered{ticket, false});
  desk.send(ScanEnded{Queue::deferred});
  desk.send(ScanEntry{.queue = Queue::incoming, .queue_id = "S", .state = FileState::ready, .mtime = desk.now()});
}

TEST(Rules, StraysChangeNothingDuringADelivery) {
  Desk desk;
  const MessageId id = desk.arrive("r@d.t");
  const AgentId agent = desk.running.front().agent;
  (void)desk.take();
  send_strays(desk, id, agent, TicketId{1});
  send_strays(desk, MessageId{999}, AgentId{999}, TicketId{999});
  EXPECT_EQ(desk.take(), Words{});
  desk.end();
  EXPECT_EQ(desk.take(), Words{"remove"});
  desk.send(Delivered{.agent = agent, .complete = true, .try_again = true, .dsn = kSiteFailure});
  desk.send(AgentFailed{agent, AgentProblem::write});
  send_strays(desk, id, agent, TicketId{1});
  EXPECT_EQ(desk.take(), Words{});
}

TEST(Rules, StraysChangeNothingDuringAReport) {
  Desk desk;
  Mail mail;
  mail.recipients = {to("r@d.t")};
  mail.bounce_log = LogFileState::present;
  const MessageId id = desk.arrive(mail);
  const AgentId agent = desk.running.front().agent;
  desk.end();
  const TicketId ticket = desk.asked.front();
  (void)desk.take();
  send_strays(desk, id, agent, TicketId{999});
  EXPECT_EQ(desk.take(), Words{});
  desk.answer();
  EXPECT_EQ(desk.take(), Words{"remove"});
  desk.send(ServiceAnswered{ticket, false});
  EXPECT_EQ(desk.take(), Words{});
}

// The last delivery ends while the next batch is still at the resolver: the message goes on with that batch.
TEST(Rules, DeliveriesEndWhileTheResolverIsSilent) {
  Desk desk(small_batches());
  Mail mail;
  mail.recipients = {to("a@d.t"), to("b@d.t"), to("c@e.u")};
  desk.slow = {"t"};
  desk.arrive(mail);
  desk.resolver_answers = false;
  desk.greet();  // refills, and waits for the answer
  EXPECT_EQ(desk.running.size(), 0U);
  (void)desk.take();
  desk.arrive("x@y.z");
  EXPECT_EQ(desk.take(), Words{}) << "nothing is imported past recipients that are being read";
  desk.resolver_answers = true;
  while (!desk.unanswered.empty()) desk.resolve();
  while (!desk.waiting.empty() || !desk.running.empty()) {
    while (!desk.waiting.empty()) desk.greet();
    if (!desk.running.empty()) desk.end();
  }
  EXPECT_TRUE(desk.state().messages.empty());
  Words done = desk.take();
  EXPECT_EQ(std::count(done.begin(), done.end(), "remove"), 2);
}

// What the real program would choose after a read is chosen after it here, on every transport of the message.
TEST(Rules, NothingIsChosenFromAMessageThatIsBeingRead) {
  Desk desk(small_batches());
  Mail mail;
  mail.recipients = {to("a@d.t"), to("b@d.u"), to("c@d.u")};
  desk.slow = {"t", "u"};
  desk.arrive(mail);
  std::reverse(desk.waiting.begin(), desk.waiting.end());  // the newest transport was asked first
  desk.resolver_answers = false;
  desk.greet();
  ASSERT_EQ(desk.unanswered.size(), 1U) << "t reads c before it chooses";
  desk.greet();
  EXPECT_EQ(without_the_defer_log(desk.take()), Words{});
  desk.resolve();
  EXPECT_EQ(desk.take(), (Words{"deliver u d: b@d.u c@d.u", "deliver t d: a@d.t"}));
}

TEST(Rules, RecipientsInHandOutliveThoseThatWait) {
  Desk desk;
  desk.resolver_answers = false;
  desk.arrive("r@d.t");
  EXPECT_EQ(desk.take(), Words{"forget the defer log"});
  desk.trigger("FAID");
  desk.pass(10'000);
  EXPECT_EQ(desk.take(), Words{});
  desk.resolve();
  EXPECT_EQ(desk.take(), Words{"deliver t d: r@d.t"});
}

// --- settings at the end of their range --------------------------------------------------------------

TEST(Rules, TheLargestSettingsOverflowNothing) {
  constexpr int kMost = std::numeric_limits<int>::max();
  for (const int limit : {0, kMost}) {
    Config config = plain_config();
    config.active_limit = config.message_recipient_limit = config.message_recipient_minimum = kMost;
    config.initial_concurrency = kMost;
    config.verify_pending_limit = kMost;
    config.minimal_backoff = config.maximal_backoff = config.maximal_lifetime = config.bounce_lifetime = Seconds{kMost};
    TransportConfig& t = config.default_transport;
    t.concurrency_limit = t.recipient_limit = limit;
    t.initial_concurrency = kMost;
    t.failed_cohort_limit = limit;
    t.slot_loan = t.minimum_slots = t.slot_cost = kMost;
    t.recipient_pool = t.extra_recipients = t.refill_limit = kMost;
    t.refill_delay = Seconds{kMost};
    Desk desk(config);
    Mail mail;
    mail.recipients = {to("a@d.t"), to("b@e.t"), to("c@d.u")};
    for (int i = 0; i < 3; ++i) desk.arrive(mail);
    desk.end();
    desk.end(true);
    desk.end(true, kSiteFailure);
    while (!desk.running.empty()) desk.end();
    EXPECT_TRUE(desk.state().messages.empty());
  }
}

// A job with unread recipients that preempts gets half of all extra slots there can be.
TEST(Rules, TheMostExtraSlotsOverflowNothing) {
  constexpr int kMost = std::numeric_limits<int>::max();
  Config config = plain_config();
  config.message_recipient_minimum = 1;
  config.active_limit = config.message_recipient_limit = 20;
  TransportConfig& t = config.default_transport;
  t.recipient_limit = 1;
  t.recipient_pool = 0;
  t.extra_recipients = kMost;
  t.minimum_slots = 0;
  t.slot_cost = 2;
  t.slot_loan = kMost;
  t.concurrency_limit = 1;
  Desk desk(config);
  desk.slow = {"t"};
  Mail big;
  for (int i = 0; i < 18; ++i) big.recipients.push_back(to("b" + std::to_string(i) + "@d.t"));
  desk.arrive(big);
  desk.greet();
  Mail small;
  small.recipients = {to("s1@e.t"), to("s2@e.t")};
  desk.arrive(small);
  desk.arrive(small);
  while (!desk.waiting.empty() || !desk.running.empty()) {
    while (!desk.waiting.empty()) desk.greet();
    if (!desk.running.empty()) desk.end();
  }
  EXPECT_TRUE(desk.state().messages.empty());
}

// The memory of dead destinations is full; a destination of the retry transport dies of the reason that is its name.
TEST(Rules, ARetryDestinationThatDiesOfItsOwnReasonIsForgottenOnce) {
  Config config = plain_config();
  config.active_limit = config.message_recipient_limit = 2;
  config.default_transport.recipient_limit = 2;
  config.default_transport.concurrency_limit = config.default_transport.initial_concurrency = 1;
  Desk desk(config);
  const Dsn trouble{"4.4.1", "no route"};
  for (const char* address : {"a@d0.t", "a@d2.t"}) {
    desk.arrive(address);
    desk.end(true, trouble);
  }
  Mail mail;
  mail.recipients = {to("a@d1.t"), to("b@d1.t"), to("c@d1.t")};
  desk.arrive(std::move(mail));
  desk.end(true, trouble);
  ASSERT_EQ(desk.running.size(), 1U) << "the waiting one has gone to retry";
  EXPECT_EQ(desk.running.front().nexthop, "4.4.1 delivery temporarily suspended: no route");
  desk.arrive("a@d5.u");  // one destination too many to remember another dead one
  desk.end(true, trouble);
  EXPECT_TRUE(transport(desk.state(), "retry").destinations.empty());
  EXPECT_EQ(transport(desk.state(), "t").destinations.size(), 3U);
}

// Each comes between the first and the one before it: in the engine, labels of a list get no room there by themselves.
TEST(Rules, JobsComeToATransportInAnyOrderAndAreServedByAge) {
  constexpr std::size_t kMessages = 60;
  Config config = plain_config();
  config.default_transport.concurrency_limit = config.default_transport.initial_concurrency = 1;
  Desk desk(config);
  desk.slow = {"retry"};
  for (std::size_t i = 0; i < kMessages; ++i) {
    const std::string site = "d" + std::to_string(i) + ".t";
    Mail mail;
    mail.recipients = {to("a@" + site), to("b@" + site)};
    mail.envelope.verp_delimiters = "+=";  // a delivery each: the second waits
    desk.arrive(std::move(mail));
    desk.pass(1);
  }
  ASSERT_EQ(desk.running.size(), kMessages);
  desk.end(true, {"4.4.1", "no route"});
  while (!desk.running.empty()) {
    std::rotate(desk.running.begin(), desk.running.end() - 1, desk.running.end());
    desk.end(true, {"4.4.1", "no route"});
  }
  (void)desk.take();
  for (std::size_t i = 0; i < kMessages; ++i) {
    desk.greet();
    ASSERT_EQ(desk.running.size(), 1U) << i;
    EXPECT_EQ(desk.running.front().recipients.front().address, "b@d" + std::to_string(i) + ".t");
    desk.end();
  }
}

// A reason that says "delivered", or nothing, is none for a deferral.
TEST(Rules, WithoutARetryTransportADeferralHasACodeOfItsOwn) {
  for (const char* code : {"5.1.1", "2.0.0"}) {
    Config config = plain_config();
    config.default_transport.concurrency_limit = config.default_transport.initial_concurrency = 1;
    Desk desk(config);
    desk.refuses = {"retry", "gone"};
    Mail mail;
    mail.recipients = {to("a@d.t"), to("b@d.t")};
    mail.envelope.verp_delimiters = "+=";
    desk.arrive("x@d.gone");
    desk.arrive(std::move(mail));
    desk.end(true, {code, "no route"});
    const Words words = desk.take();
    EXPECT_EQ(std::count(words.begin(), words.end(), std::string("log ignored ") + code), 1) << code;
    EXPECT_EQ(std::count(words.begin(), words.end(),
                         "append defer b@d.t delayed 4.0.0 delivery temporarily suspended: no route"),
              1)
        << code;
  }
}

}  // namespace
}  // namespace weir::testing
