// The clients of bounce, defer, trace, verify and flush: what they send, and that any trouble is an answer.
#include "postfix/notifier.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "postfix/world/support.hpp"

namespace weir::postfix {
namespace {

using testing::attrs;
using testing::Listener;
using testing::Peer;
using testing::run_dry;
using testing::run_until;
using Lines = std::vector<std::string>;

const std::string kGreeting = attrs({"protocol", "delivery_status_protocol"});

class NotifierTest : public ::testing::Test {
 protected:
  NotifierTest() {
    settings_.fast_flush_domains =
        codec::DomainList::parse("fast_flush_domains", "relay.example", true, nullptr, notes_);
    envelope_.sender = "s@x.example";
    notifier_.emplace(loop_, voice_, settings_, codec::Dialect{},
                      [this](Event event) { answers_.push_back(std::get<ServiceAnswered>(event)); });
  }
  static ServiceRequest flush() { return ReportRequest{Service::bounce, ReportRequest::Kind::flush, false, 0}; }
  static ServiceRequest append() {
    return AppendRequest{Service::defer, 0, Recipient{100, "a@x.example", "", "", 0}, {"4.3.0", "why"}, "delayed"};
  }
  void ask(ServiceRequest request) {
    notifier_->ask(AskService{kTicket, MessageId{1}, std::move(request)}, "AB12CD34", envelope_);
  }
  bool answer_comes() {
    return run_until(loop_, [&] { return !answers_.empty(); });
  }
  bool ok() {
    EXPECT_TRUE(answer_comes());
    EXPECT_EQ(answers_.size(), 1U);
    const bool result = !answers_.empty() && answers_[0].ok && answers_[0].ticket == kTicket;
    answers_.clear();
    EXPECT_EQ(notifier_->open_requests(), 0U);
    return result;
  }
  // Lets the request out and gives it back.
  std::string request_on(const Peer& peer, const std::string& greeting = kGreeting) {
    peer.say(greeting);
    std::string heard;
    EXPECT_TRUE(run_until(loop_, [&] {
      heard += peer.hear();
      return !heard.empty();
    }));
    return heard;
  }

  static constexpr TicketId kTicket{5};
  testing::ScratchQueue queue_;
  Loop loop_;
  testing::MemoryLog log_;
  codec::ProcessSettings settings_ = testing::test_settings();
  Voice voice_{log_, settings_};
  std::vector<std::string> notes_;
  Envelope envelope_;
  std::vector<ServiceAnswered> answers_;
  std::optional<Notifier> notifier_;
};

// --- what is sent --------------------------------------------------------------------------------------

TEST_F(NotifierTest, ReportWaitsForTheGreetingThenAsks) {
  const Listener listener("private/bounce");
  ask(flush());
  const Peer peer = listener.accept();
  run_dry(loop_);
  EXPECT_TRUE(peer.hear().empty());
  EXPECT_EQ(request_on(peer),
            attrs({"nrequest", "1", "flags", "0", "queue_name", "active", "queue_id", "AB12CD34", "encoding", "",
                   "smtputf8", "0", "sender", "s@x.example", "envelope_id", "", "ret_flags", "0"}));
  peer.say(attrs({"status", "0"}));
  EXPECT_TRUE(ok());
  EXPECT_TRUE(peer.at_end());
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(NotifierTest, EachServiceHasItsSocketAndItsGreeting) {
  const Listener defer("private/defer"), verify("private/verify"), flush_service("public/flush");
  ask(append());
  {
    const Peer peer = defer.accept();
    EXPECT_EQ(request_on(peer).substr(0, 11), std::string("nrequest\0000\0", 11));
    peer.say(attrs({"status", "0"}));
    EXPECT_TRUE(ok());
  }
  ask(VerifyUpdate{"a@x.example", 0, "fine"});
  {
    const Peer peer = verify.accept();
    EXPECT_EQ(request_on(peer, attrs({"protocol", "address_verification_prrotocol"})),
              attrs({"request", "update", "address", "a@x.example", "recipient_status", "0", "reason", "fine"}));
    peer.say(attrs({"status", "0"}));
    EXPECT_TRUE(ok());
  }
  ask(FlushAdd{"host.relay.example"});
  {
    const Peer peer = flush_service.accept();
    EXPECT_EQ(request_on(peer, attrs({"protocol", "queue_flush_protocol"})),
              attrs({"request", "add", "site", "host.relay.example", "queue_id", "AB12CD34"}));
    peer.say(attrs({"status", "4"}));  // "not one of mine"
    EXPECT_TRUE(ok());
  }
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(NotifierTest, FlushServiceIsAskedAboutItsDomainsOnly) {
  ask(FlushAdd{"other.example"});
  EXPECT_TRUE(ok());
  ask(FlushAdd{""});
  EXPECT_TRUE(ok());
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(NotifierTest, CompatibilityNoteOfTheDefaultList) {
  settings_.fast_flush_default_note = true;
  ask(FlushAdd{"relay.example"});
  EXPECT_FALSE(ok());
  EXPECT_EQ(log_.take(),
            (Lines{"using backwards-compatible default setting relay_domains=$mydestination to update fast-flush "
                   "logfile for domain \"relay.example\"",
                   "warning: connect to public/flush: No such file or directory"}));
}

// --- trouble ---------------------------------------------------------------------------------------------

TEST_F(NotifierTest, MissingServiceIsToldAtOnceAndAReportSaysNothing) {
  ask(flush());
  EXPECT_EQ(answers_.size(), 1U);
  EXPECT_FALSE(ok());
  EXPECT_TRUE(log_.lines.empty());
  ask(append());
  EXPECT_FALSE(ok());
  EXPECT_EQ(log_.take(), Lines{"warning: connect to private/defer: No such file or directory"});
}

TEST_F(NotifierTest, RefusalIsNotOk) {
  const Listener listener("private/bounce");
  ask(flush());
  const Peer peer = listener.accept();
  (void)request_on(peer);
  peer.say(attrs({"status", "4294967295"}));
  EXPECT_FALSE(ok());
}

TEST_F(NotifierTest, ServerThatHangsUpAtAnyPoint) {
  const Listener bounce("private/bounce"), defer("private/defer");
  for (int point = 0; point < 4; ++point) {
    for (const bool report : {true, false}) {
      ask(report ? flush() : append());
      Peer peer = report ? bounce.accept() : defer.accept();
      if (point == 1) peer.say(kGreeting.substr(0, 10));
      if (point == 2) (void)request_on(peer);
      if (point == 3) {
        (void)request_on(peer);
        peer.say(attrs({"status", "0"}).substr(0, 8));
      }
      peer.hang_up();
      EXPECT_FALSE(ok()) << point << report;
      EXPECT_TRUE(report || !log_.lines.empty()) << point;
      log_.take();
    }
  }
}

TEST_F(NotifierTest, NonsenseIsNotOk) {
  const Listener listener("private/bounce");
  ask(flush());
  {
    const Peer peer = listener.accept();
    peer.say(attrs({"protocol", "queue_flush_protocol"}));
    EXPECT_FALSE(ok());
  }
  ask(flush());
  const Peer peer = listener.accept();
  (void)request_on(peer);
  peer.say(attrs({"status", "abc"}));
  EXPECT_FALSE(ok());
  EXPECT_FALSE(log_.lines.empty());
}

TEST_F(NotifierTest, SilenceIsBoundedAndNobodyElseWaits) {
  const Listener defer("private/defer"), bounce("private/bounce");
  ask(append());
  const Peer silent = defer.accept();
  notifier_->ask(AskService{TicketId{6}, MessageId{1}, flush()}, "AB12CD34", envelope_);
  const Peer peer = bounce.accept();
  (void)request_on(peer);
  peer.say(attrs({"status", "0"}));
  EXPECT_TRUE(answer_comes());
  EXPECT_EQ(answers_, (std::vector<ServiceAnswered>{{TicketId{6}, true}}));
  answers_.clear();
  EXPECT_FALSE(ok());
  EXPECT_EQ(log_.take(), Lines{"warning: read private/defer socket: Connection timed out"});
  EXPECT_TRUE(silent.at_end());
}

TEST_F(NotifierTest, ReportThatStallsHalfWayIsBoundedToo) {
  const Listener bounce("private/bounce");
  ask(flush());
  const Peer peer = bounce.accept();
  (void)request_on(peer);
  peer.say(attrs({"status", "0"}).substr(0, 8));
  EXPECT_FALSE(ok());
}

// --- many at once --------------------------------------------------------------------------------------

// A dead retry transport makes a record of every recipient at once: more than any backlog or descriptor limit holds.
TEST_F(NotifierTest, ManyRecordsComeInOrderAndNeverMoreThanTheServiceTakes) {
  constexpr std::uint64_t kCount = 60;
  const Listener defer("private/defer", 4);
  for (std::uint64_t i = 0; i < kCount; ++i) {
    AppendRequest record{Service::defer, 0, Recipient{100, "a" + std::to_string(i) + "@x.example", "", "", 0}, {}, ""};
    notifier_->ask(AskService{TicketId{i + 1}, MessageId{i % 5 + 1}, record}, "AB12CD34", envelope_);
  }
  std::vector<std::string> recipients;
  while (recipients.size() < kCount) {
    const Peer peer = defer.accept();
    ASSERT_TRUE(peer.connected()) << recipients.size() << " " << log_.lines.size();
    EXPECT_EQ(notifier_->open_requests(), 1U);
    const auto list = codec::parse_attr_list(request_on(peer));
    ASSERT_TRUE(list);
    recipients.push_back(list->list.at(4).second);
    peer.say(attrs({"status", "0"}));
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == recipients.size(); }));
  }
  for (std::uint64_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(recipients[i], "a" + std::to_string(i) + "@x.example");
    EXPECT_EQ(answers_[i], (ServiceAnswered{TicketId{i + 1}, true}));
  }
  EXPECT_EQ(log_.lines, Lines{});
}

// What a patient client would wait for in the kernel.
TEST_F(NotifierTest, FullBacklogIsWaitedForWithARecord) {
  settings_.qmgr_ipc_timeout = Seconds{30};
  const Listener defer("private/defer", 0);
  const Connection in_the_way = connect_local("private/defer");
  ASSERT_EQ(in_the_way.error, 0);
  ask(append());
  run_dry(loop_);
  EXPECT_TRUE(answers_.empty());
  (void)defer.accept();
  Peer peer{-1};
  ASSERT_TRUE(run_until(loop_, [&] {
    peer = defer.accept();
    return peer.connected();
  }));
  (void)request_on(peer);
  peer.say(attrs({"status", "0"}));
  EXPECT_TRUE(ok());
  EXPECT_EQ(log_.lines, Lines{});
  close(in_the_way.fd);
}

TEST_F(NotifierTest, BacklogThatStaysFullIsNotOkInTheEnd) {
  const Listener defer("private/defer", 0);
  const Connection in_the_way = connect_local("private/defer");
  ask(append());
  EXPECT_FALSE(ok());
  EXPECT_EQ(log_.take(), Lines{"warning: connect to private/defer: Resource temporarily unavailable"});
  ask(flush());  // the next service is not held up
  EXPECT_FALSE(ok());
  close(in_the_way.fd);
}

TEST_F(NotifierTest, ServiceThatDiesUnderThousandsOfRecordsEndsThemAll) {
  constexpr std::uint64_t kCount = 30000;
  std::optional<Listener> defer(std::in_place, "private/defer");
  for (std::uint64_t i = 0; i < kCount; ++i) {
    notifier_->ask(AskService{TicketId{i + 1}, MessageId{7}, append()}, "AB12CD34", envelope_);
  }
  Peer peer = defer->accept();
  defer.reset();
  peer.hang_up();
  EXPECT_TRUE(run_until(loop_, [&] { return !answers_.empty(); }));
  EXPECT_EQ(answers_.size(), kCount);
  EXPECT_EQ(answers_.back(), (ServiceAnswered{TicketId{kCount}, false}));
}

// Otherwise a thousand records would wait a thousand times as long.
TEST_F(NotifierTest, RecordThatTimesOutTakesThoseAlongThatWaitedAsLong) {
  const Listener defer("private/defer");
  std::vector<ServiceAnswered> want;
  for (std::uint64_t i = 1; i <= 8; ++i) {
    notifier_->ask(AskService{TicketId{i}, MessageId{7}, append()}, "AB12CD34", envelope_);
    want.push_back({TicketId{i}, false});
  }
  ASSERT_TRUE(run_until(
      loop_, [&] { return answers_.size() >= 8; }, std::chrono::milliseconds{2500}));
  EXPECT_EQ(answers_, want);
  answers_.clear();
  EXPECT_EQ(log_.take(), Lines{"warning: read private/defer socket: Connection timed out"});
  ask(append());  // and the lane goes on
  (void)defer.accept();
  EXPECT_FALSE(ok());
}

}  // namespace
}  // namespace weir::postfix
