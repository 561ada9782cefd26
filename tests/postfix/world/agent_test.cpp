// Agents: every row of "what happens at each outcome" in spec/services.md, with a peer that plays it.
#include "postfix/agent.hpp"

#include <gtest/gtest.h>

#include <memory>
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

const std::string kGreeting = attrs({"protocol", "delivery_request_protocol"});
const std::string kMalformed = "warning: private/smtp socket: malformed response";

std::string report(std::string_view code, std::string_view reason, std::string_view status) {
  return attrs({"status", code, "diag_type", "", "diag_text", "", "mta_type", "", "mta_mname", "", "action", "",
                "reason", reason, "status", status});
}

class AgentTest : public ::testing::Test {
 protected:
  AgentTest() {
    agents_.emplace(loop_, voice_, settings_, codec::Dialect{}, [this](Event event) { events_.push_back(event); });
  }
  codec::DeliveryRequest request() const {
    codec::DeliveryRequest request;
    request.flags = 3;
    request.queue_id = "AB12CD34";
    request.nexthop = "x.example";
    request.recipients = {Recipient{100, "a@x.example", "", "", 0}};
    return request;
  }
  Peer connected() {
    agents_->request(RequestAgent{kAgent, "smtp"});
    return listener_.accept();
  }
  // An agent that has greeted.
  Peer ready() {
    Peer peer = connected();
    peer.say(kGreeting);
    EXPECT_TRUE(run_until(loop_, [&] { return !events_.empty(); }));
    EXPECT_EQ(take(), std::vector<Event>{AgentReady{kAgent}});
    return peer;
  }
  // An agent that has a request.
  Peer working() {
    Peer peer = ready();
    EXPECT_FALSE(agents_->deliver(kAgent, request()));
    EXPECT_EQ(peer.hear(), codec::encode(request(), codec::Dialect{}));
    return peer;
  }
  std::vector<Event> take() { return std::exchange(events_, {}); }
  bool event_comes() {
    return run_until(loop_, [&] { return !events_.empty(); });
  }

  static constexpr AgentId kAgent{7};
  testing::ScratchQueue queue_;
  Loop loop_;
  testing::MemoryLog log_;
  codec::ProcessSettings settings_ = testing::test_settings();
  Voice voice_{log_, settings_};
  Listener listener_{"private/smtp"};
  std::vector<Event> events_;
  std::optional<Agents> agents_;
};

// --- connecting --------------------------------------------------------------------------------------

TEST_F(AgentTest, ConnectFailureIsLoggedAtOnceAndToldInTheNextRound) {
  agents_->request(RequestAgent{kAgent, "nobody"});
  EXPECT_EQ(log_.take(), Lines{"warning: connect to transport private/nobody: No such file or directory"});
  EXPECT_TRUE(events_.empty());
  loop_.run_round(false);
  EXPECT_EQ(take(), (std::vector<Event>{AgentFailed{kAgent, AgentProblem::connect}}));
  EXPECT_EQ(agents_->count(), 0U);
}

TEST_F(AgentTest, NameThatIsTooLongForASocketIsThatTransportsFailure) {
  agents_->request(RequestAgent{kAgent, std::string(200, 'x')});
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{AgentFailed{kAgent, AgentProblem::connect}}));
}

TEST_F(AgentTest, SilenceInsteadOfAGreetingIsThatAgentsFailure) {
  const Peer peer = connected();
  run_dry(loop_);
  EXPECT_TRUE(events_.empty());
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{AgentFailed{kAgent, AgentProblem::greeting}}));
  EXPECT_EQ(log_.take(), Lines{"warning: timeout connecting to transport: smtp"});
  EXPECT_TRUE(peer.at_end());
}

// --- greeting ----------------------------------------------------------------------------------------

TEST_F(AgentTest, GreetingInPieces) {
  const Peer peer = connected();
  for (const char byte : kGreeting) {
    EXPECT_TRUE(events_.empty());
    peer.say({&byte, 1});
    run_dry(loop_);
  }
  EXPECT_EQ(take(), std::vector<Event>{AgentReady{kAgent}});
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(AgentTest, EndOfFileIsAGoodGreetingAndShowsWhenTheRequestIsWritten) {
  Peer peer = connected();
  peer.hang_up();
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), std::vector<Event>{AgentReady{kAgent}});
  run_dry(loop_);  // a rate delay may come between
  const auto reply = agents_->deliver(kAgent, request());
  EXPECT_EQ(reply, std::optional<Event>(AgentFailed{kAgent, AgentProblem::write}));
  EXPECT_EQ(log_.take(), Lines{"warning: write to process (smtp): Broken pipe"});
  EXPECT_EQ(agents_->count(), 0U);
}

TEST_F(AgentTest, WrongValueInTheGreeting) {
  const Peer peer = connected();
  peer.say(attrs({"protocol", "queue_flush_protocol"}));
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{AgentFailed{kAgent, AgentProblem::greeting}}));
  EXPECT_EQ(log_.take(), (Lines{"warning: unexpected protocol queue_flush_protocol from private/smtp socket "
                                "(expected: delivery_request_protocol)",
                                kMalformed}));
  EXPECT_TRUE(peer.at_end());
}

TEST_F(AgentTest, WrongNameAndSurplusInTheGreetingAreGoodWithAWarning) {
  for (const std::string& greeting :
       {attrs({"zz", "1"}), attrs({"protocol", "delivery_request_protocol", "zz", "1"})}) {
    const Peer peer = connected();
    peer.say(greeting);
    EXPECT_TRUE(event_comes());
    EXPECT_EQ(take(), std::vector<Event>{AgentReady{kAgent}});
    EXPECT_EQ(log_.take().size(), 1U);
    EXPECT_FALSE(agents_->deliver(kAgent, request()));
    EXPECT_FALSE(peer.hear().empty());
    agents_->release(kAgent);
  }
}

TEST_F(AgentTest, WhatComesWithTheGreetingIsNoReport) {
  const Peer peer = connected();
  peer.say(kGreeting + report("", "", "0"));
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), std::vector<Event>{AgentReady{kAgent}});
  EXPECT_FALSE(agents_->deliver(kAgent, request()));
  run_dry(loop_);
  EXPECT_TRUE(events_.empty());
}

TEST_F(AgentTest, GreetingCutShort) {
  Peer peer = connected();
  peer.say(kGreeting.substr(0, 12));
  peer.hang_up();
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{AgentFailed{kAgent, AgentProblem::greeting}}));
  EXPECT_EQ(log_.take(), (Lines{"warning: unexpected end-of-input from private/smtp socket while reading input "
                                "attribute value",
                                kMalformed}));
}

TEST_F(AgentTest, GreetingThatStallsHalfWay) {
  settings_.daemon_timeout = Seconds{1000};
  agents_.emplace(loop_, voice_, settings_, codec::Dialect{}, [this](Event event) { events_.push_back(event); });
  const Peer peer = connected();
  peer.say(kGreeting.substr(0, 12));
  run_dry(loop_);
  EXPECT_TRUE(events_.empty());
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{AgentFailed{kAgent, AgentProblem::greeting}}));
  EXPECT_EQ(log_.take().back(), kMalformed);
}

TEST_F(AgentTest, ReleaseIsASilentClose) {
  const Peer peer = ready();
  agents_->release(kAgent);
  EXPECT_TRUE(peer.at_end());
  agents_->release(kAgent);
  EXPECT_TRUE(log_.lines.empty());
  EXPECT_TRUE(events_.empty());
}

// --- request -----------------------------------------------------------------------------------------

TEST_F(AgentTest, RequestLargerThanTheSocketTakes) {
  Peer peer = ready();
  codec::DeliveryRequest large = request();
  for (int i = 0; i < 20'000; ++i) large.recipients.push_back(Recipient{i, "user@domain.example", "", "", 0});
  EXPECT_FALSE(agents_->deliver(kAgent, large));
  std::string heard;
  const std::string want = codec::encode(large, codec::Dialect{});
  EXPECT_TRUE(run_until(loop_, [&] {
    heard += peer.hear();
    return heard.size() >= want.size();
  }));
  EXPECT_EQ(heard, want);
  peer.say(report("", "", "0"));
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{Delivered{kAgent, true, false, {}}}));
}

TEST_F(AgentTest, AgentThatHangsUpInTheMiddleOfTheRequest) {
  Peer peer = ready();
  codec::DeliveryRequest large = request();
  for (int i = 0; i < 20'000; ++i) large.recipients.push_back(Recipient{i, "user@domain.example", "", "", 0});
  EXPECT_FALSE(agents_->deliver(kAgent, large));
  peer.hang_up();
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{AgentFailed{kAgent, AgentProblem::write}}));
  EXPECT_EQ(log_.take().size(), 1U);
}

TEST_F(AgentTest, AgentThatDoesNotReadTheRequest) {
  const Peer peer = ready();
  codec::DeliveryRequest large = request();
  for (int i = 0; i < 20'000; ++i) large.recipients.push_back(Recipient{i, "user@domain.example", "", "", 0});
  EXPECT_FALSE(agents_->deliver(kAgent, large));
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{AgentFailed{kAgent, AgentProblem::write}}));
  EXPECT_EQ(log_.take(), Lines{"warning: write to process (smtp): Connection timed out"});
}

// --- report ------------------------------------------------------------------------------------------

TEST_F(AgentTest, ReportsAreHandedOnAsTheyAre) {
  const std::vector<std::pair<std::string, Delivered>> cases{
      {report("", "", "0"), Delivered{kAgent, true, false, {}}},
      {report("", "", "4294967295"), Delivered{kAgent, true, true, {}}},
      {report("", "", "-1"), Delivered{kAgent, true, true, {}}},
      {report("4.4.1", "refused", "4294967295"), Delivered{kAgent, true, true, {"4.4.1", "refused"}}},
      {report("nonsense", "", "1"), Delivered{kAgent, true, true, {"nonsense", ""}}},
      {report("4.4.1", "but delivered", "0"), Delivered{kAgent, true, false, {"4.4.1", "but delivered"}}},
  };
  for (const auto& [bytes, want] : cases) {
    const Peer peer = working();
    peer.say(bytes);
    EXPECT_TRUE(event_comes());
    EXPECT_EQ(take(), std::vector<Event>{want});
    EXPECT_TRUE(peer.at_end());
    EXPECT_EQ(agents_->count(), 0U);
  }
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(AgentTest, ReportInPieces) {
  const Peer peer = working();
  for (const char byte : report("4.4.1", "refused", "1")) {
    EXPECT_TRUE(events_.empty());
    peer.say({&byte, 1});
    run_dry(loop_);
  }
  EXPECT_EQ(take(), (std::vector<Event>{Delivered{kAgent, true, true, {"4.4.1", "refused"}}}));
}

TEST_F(AgentTest, SurplusAfterTheReportIsAWarning) {
  const Peer peer = working();
  std::string bytes = report("", "", "0");
  bytes.pop_back();
  peer.say(bytes + attrs({"zz", "1"}));
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{Delivered{kAgent, true, false, {}}}));
  EXPECT_EQ(log_.take(), Lines{"warning: unexpected attribute zz from private/smtp socket (expecting: (list "
                               "terminator))"});
}

TEST_F(AgentTest, AgentThatHangsUpInsteadOfReporting) {
  Peer peer = working();
  peer.hang_up();
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{Delivered{kAgent, false, false, {}}}));
  EXPECT_EQ(log_.take(), Lines{kMalformed});
}

// What one broken report says never turns up in another.
TEST_F(AgentTest, BrokenReportTellsOnlyWhatItSaidItself) {
  {
    const Peer peer = working();
    peer.say(report("4.4.1", "refused", "1"));
    EXPECT_TRUE(event_comes());
    take();
  }
  Peer peer = working();
  peer.say(attrs({"status", "4.1.1"}).substr(0, 13));
  peer.hang_up();
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{Delivered{kAgent, false, false, {"4.1.1", ""}}}));
  EXPECT_EQ(log_.take().back(), kMalformed);
}

TEST_F(AgentTest, NonsenseInsteadOfAReport) {
  for (const std::string& nonsense :
       {report("", "", "abc"), attrs({"reason", "x", "status", "0"}), attrs({"status", "0"}), std::string("\0", 1)}) {
    const Peer peer = working();
    peer.say(nonsense);
    EXPECT_TRUE(event_comes());
    const auto events = take();
    ASSERT_EQ(events.size(), 1U);
    const auto* delivered = std::get_if<Delivered>(&events[0]);
    ASSERT_NE(delivered, nullptr);
    EXPECT_FALSE(delivered->complete);
    EXPECT_EQ(log_.take().back(), kMalformed);
  }
}

TEST_F(AgentTest, ReportThatStallsHalfWayCostsThatDeliveryOnly) {
  settings_.daemon_timeout = Seconds{1000};
  agents_.emplace(loop_, voice_, settings_, codec::Dialect{}, [this](Event event) { events_.push_back(event); });
  const Peer peer = working();
  peer.say(report("", "", "0").substr(0, 20));
  run_dry(loop_);
  EXPECT_TRUE(events_.empty());
  EXPECT_TRUE(event_comes());
  const auto events = take();
  ASSERT_EQ(events.size(), 1U);
  const auto* delivered = std::get_if<Delivered>(&events[0]);
  ASSERT_NE(delivered, nullptr);
  EXPECT_FALSE(delivered->complete);
  EXPECT_EQ(log_.take().back(), kMalformed);
  EXPECT_TRUE(peer.at_end());
}

TEST_F(AgentTest, SilenceInsteadOfAReportIsThatAgentsFailure) {
  const Peer peer = working();
  EXPECT_TRUE(event_comes());
  EXPECT_EQ(take(), (std::vector<Event>{Delivered{kAgent, false, false, {}}}));
  EXPECT_EQ(log_.take(), Lines{"warning: AB12CD34: timeout receiving delivery status from transport: smtp"});
}

TEST_F(AgentTest, ReportWithoutEndIsCutOff) {
  Peer peer = working();
  peer.say("status");
  const std::string flood(60'000, 'x');
  EXPECT_TRUE(run_until(loop_, [&] {
    if (events_.empty()) peer.say(flood);
    return !events_.empty();
  }));
  EXPECT_EQ(log_.take().back(), kMalformed);
}

TEST_F(AgentTest, ManyAgentsSideBySide) {
  std::vector<Peer> peers;
  for (std::uint64_t i = 1; i <= 40; ++i) {
    agents_->request(RequestAgent{AgentId{i}, "smtp"});
    peers.push_back(listener_.accept());
  }
  for (const Peer& peer : peers) peer.say(kGreeting);
  EXPECT_TRUE(run_until(loop_, [&] { return events_.size() == 40; }));
  take();
  for (std::uint64_t i = 1; i <= 40; ++i) EXPECT_FALSE(agents_->deliver(AgentId{i}, request()));
  for (auto peer = peers.rbegin(); peer != peers.rend(); ++peer) peer->say(report("", "", "0"));
  EXPECT_TRUE(run_until(loop_, [&] { return events_.size() == 40; }));
  EXPECT_EQ(agents_->count(), 0U);
}

// --- what a brain should not do, and the end -----------------------------------------------------------

TEST_F(AgentTest, DeliverToAnUnknownAgentEndsToo) {
  EXPECT_EQ(agents_->deliver(AgentId{99}, request()), Event(AgentFailed{AgentId{99}, AgentProblem::write}));
}

TEST_F(AgentTest, NothingIsLeftArmedAtTheEnd) {
  auto agents = std::make_unique<Agents>(loop_, voice_, settings_, codec::Dialect{},
                                         [this](Event event) { events_.push_back(event); });
  agents->request(RequestAgent{kAgent, "missing"});
  agents.reset();
  run_dry(loop_);
  EXPECT_TRUE(events_.empty());
}

}  // namespace
}  // namespace weir::postfix
