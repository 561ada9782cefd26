// The resolver client: order, caches, and every way in which a server can fail to answer.
#include "postfix/resolver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "codec/attr.hpp"
#include "postfix/world/support.hpp"

namespace weir::postfix {
namespace {

using testing::attrs;
using testing::Listener;
using testing::Peer;
using testing::run_dry;
using testing::run_until;
using Lines = std::vector<std::string>;

const std::string kGreeting = attrs({"protocol", "trivial_rewrite_protocol"});

std::string reply(std::string_view transport, std::string_view nexthop, std::string_view recipient,
                  std::string_view flags = "4096", std::string_view server_flags = "0") {
  return attrs(
      {"flags", server_flags, "transport", transport, "nexthop", nexthop, "recipient", recipient, "flags", flags});
}

// The values of the lists in `bytes`, by attribute name.
std::vector<std::string> values(std::string bytes, std::string_view name) {
  std::vector<std::string> found;
  while (const auto list = codec::parse_attr_list(bytes)) {
    for (const auto& [key, value] : list->list) {
      if (key == name) found.push_back(value);
    }
    bytes.erase(0, list->size);
  }
  return found;
}

class ResolverTest : public ::testing::Test {
 protected:
  ResolverTest() { remake(); }
  void remake() {
    resolver_.emplace(loop_, voice_, settings_, codec::Dialect{},
                      [this](Event event) { events_.push_back(std::get<Resolved>(std::move(event))); });
  }
  void listen() { listener_.emplace("private/rewrite"); }
  void ask(std::uint64_t id, std::vector<std::string> addresses, bool probe = false) {
    resolver_->resolve(Resolve{MessageId{id}, probe, false, std::move(addresses)}, "s@x.example");
  }
  // A server that has greeted.
  Peer greeted() {
    std::optional<Peer> peer;
    EXPECT_TRUE(run_until(loop_, [&] {
      Peer next = listener_->accept();
      if (next.connected()) peer.emplace(std::move(next));
      return peer.has_value();
    }));
    peer->say(kGreeting);
    return std::move(*peer);
  }
  std::string hear(const Peer& peer) {
    std::string all;
    EXPECT_TRUE(run_until(loop_, [&] {
      all += peer.hear();
      return codec::parse_attr_list(all).has_value();
    }));
    return all;
  }
  bool answered(std::size_t count = 1) {
    return run_until(loop_, [&] { return events_.size() >= count; });
  }
  // A server that answers everybody until `count` commands are answered. `newest_first`: in the order that suits least.
  int serve(std::size_t count, bool newest_first = false) {
    std::vector<std::pair<Peer, std::string>> peers;
    int questions = 0;
    EXPECT_TRUE(run_until(loop_, [&] {
      for (Peer next = listener_->accept(); next.connected(); next = listener_->accept()) {
        next.say(kGreeting);
        peers.emplace_back(std::move(next), "");
      }
      run_dry(loop_);
      for (auto& [peer, bytes] : peers) bytes += peer.hear();
      if (newest_first) std::reverse(peers.begin(), peers.end());
      for (auto& [peer, bytes] : peers) {
        const auto addresses = values(std::exchange(bytes, ""), "address");
        EXPECT_LE(addresses.size(), 1U) << "more than one question on a connection";
        for (const std::string& address : addresses) {
          ++questions;
          peer.say(reply("smtp", "hop", address));
          run_dry(loop_);
        }
      }
      return events_.size() >= count;
    }));
    return questions;
  }
  std::vector<std::string> recipients(std::size_t event) const {
    std::vector<std::string> all;
    for (const Answer& answer : events_.at(event).answers) all.push_back(answer.recipient);
    return all;
  }

  testing::ScratchQueue queue_;
  Loop loop_;
  testing::MemoryLog log_;
  codec::ProcessSettings settings_ = testing::test_settings();
  Voice voice_{log_, settings_};
  std::optional<Listener> listener_;
  std::vector<Resolved> events_;
  std::optional<Resolver> resolver_;
  std::optional<Peer> server_;
};

// --- good days ---------------------------------------------------------------------------------------

//= R-GEN-06 test
TEST_F(ResolverTest, OneQuestionInTheRecordedForm) {
  listen();
  ask(1, {"a@x.example"});
  const Peer peer = greeted();
  EXPECT_EQ(hear(peer), attrs({"request", "resolve", "sender", "s@x.example", "address", "a@x.example"}));
  peer.say(reply("smtp", "hop", "a@x.example", "256"));
  ASSERT_TRUE(answered());
  EXPECT_EQ(events_[0].message, MessageId{1});
  EXPECT_EQ(events_[0].answers, (std::vector<Answer>{{"smtp", "hop", "a@x.example", 256}}));
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(ResolverTest, ProbesAskInTheirOwnClass) {
  listen();
  ask(1, {"a@x.example"}, true);
  const Peer peer = greeted();
  EXPECT_EQ(values(hear(peer), "request"), Lines{"verify"});
}

TEST_F(ResolverTest, NothingToAskIsAnsweredAtOnce) {
  ask(1, {});
  ASSERT_EQ(events_.size(), 1U);
  EXPECT_TRUE(events_[0].answers.empty());
}

TEST_F(ResolverTest, AnswersComeInOrderWhateverTheServersDo) {
  listen();
  Lines addresses;
  for (int i = 0; i < 25; ++i) addresses.push_back("r" + std::to_string(i) + "@x.example");
  ask(1, addresses);
  ask(2, {"z@x.example"});
  ask(3, {});
  EXPECT_EQ(serve(3, true), 26);
  ASSERT_EQ(events_.size(), 3U);
  EXPECT_EQ(recipients(0), addresses);
  EXPECT_EQ(events_[0].message, MessageId{1});
  EXPECT_EQ(recipients(1), Lines{"z@x.example"});
  EXPECT_EQ(events_[1].message, MessageId{2});
  EXPECT_EQ(events_[2].message, MessageId{3});
  EXPECT_EQ(resolver_->open_commands(), 0U);
}

TEST_F(ResolverTest, SameQuestionInARowIsAskedOnce) {
  listen();
  ask(1, {"a@x.example", "a@x.example", "b@x.example", "a@x.example"});
  EXPECT_EQ(serve(1), 3);
  EXPECT_EQ(recipients(0), (Lines{"a@x.example", "a@x.example", "b@x.example", "a@x.example"}));
  ask(2, {"a@x.example"});
  EXPECT_EQ(events_.size(), 2U);  // known: answered at once
  ask(3, {"a@x.example"}, true);  // another class
  EXPECT_EQ(events_.size(), 2U);
}

TEST_F(ResolverTest, EmptyAddressIsNeverRemembered) {
  listen();
  ask(1, {"", ""});
  EXPECT_EQ(serve(1), 2);
}

TEST_F(ResolverTest, RedirectAddressIsRewrittenFirst) {
  listen();
  resolver_->resolve(Resolve{MessageId{1}, false, true, {"a b@x"}}, "s@x.example");
  const Peer peer = greeted();
  EXPECT_EQ(hear(peer), attrs({"request", "rewrite", "rule", "local", "address", "\"a b\"@x"}));
  peer.say(attrs({"flags", "0", "address", "\"a b\"@x.example"}));
  EXPECT_EQ(hear(peer), attrs({"request", "resolve", "sender", "s@x.example", "address", "a b@x.example"}));
  peer.say(reply("smtp", "hop", "a b@x.example"));
  ASSERT_TRUE(answered());
  EXPECT_EQ(recipients(0), Lines{"a b@x.example"});
}

TEST_F(ResolverTest, PlaceholderNeverReplacesAnAddress) {
  listen();
  const auto answer_for = [&](std::uint64_t id, const std::string& address, std::string_view recipient,
                              std::string_view flags) {
    ask(id, {address});
    if (!server_) server_.emplace(greeted());
    hear(*server_);
    server_->say(reply("CHANNEL NOT UPDATED", "NEXTHOP NOT UPDATED", recipient, flags));
    EXPECT_TRUE(answered(id));
    return recipients(id - 1).at(0);
  };
  EXPECT_EQ(answer_for(1, "a@x.example", "NEXTRCPT NOT UPDATED", "8"), "a@x.example");
  EXPECT_EQ(answer_for(2, "b@[bad", "NEXTRCPT NOT UPDATED", "4100"), "b@[bad");
  EXPECT_EQ(answer_for(3, "c@[bad", "c@[bad.example", "4"), "c@[bad.example");
  ask(4, {"c@[bad"});
  EXPECT_EQ(events_.size(), 4U);  // failures are remembered like answers
}

// --- connections -------------------------------------------------------------------------------------

TEST_F(ResolverTest, IdleConnectionIsUsedAgainThenClosed) {
  settings_.ipc_idle = Seconds{1};
  remake();
  listen();
  ask(1, {"a@x.example"});
  const Peer peer = greeted();
  hear(peer);
  peer.say(reply("smtp", "hop", "a@x.example"));
  ASSERT_TRUE(answered());
  ask(2, {"b@x.example"});
  hear(peer);
  peer.say(reply("smtp", "hop", "b@x.example"));
  ASSERT_TRUE(answered(2));
  EXPECT_FALSE(peer.at_end());
  EXPECT_TRUE(run_until(loop_, [&] { return peer.at_end(); }));
}

TEST_F(ResolverTest, OldConnectionIsClosedAfterItsAnswer) {
  settings_.ipc_ttl = Seconds{0};
  remake();
  listen();
  ask(1, {"a@x.example"});
  const Peer peer = greeted();
  hear(peer);
  peer.say(reply("smtp", "hop", "a@x.example"));
  ASSERT_TRUE(answered());
  EXPECT_TRUE(peer.at_end());
}

TEST_F(ResolverTest, ServerThatWantsToCloseGetsItsWay) {
  listen();
  ask(1, {"a@x.example"});
  const Peer peer = greeted();
  hear(peer);
  peer.say(reply("smtp", "hop", "a@x.example", "4096", "1"));
  ASSERT_TRUE(answered());
  EXPECT_TRUE(peer.at_end());
}

TEST_F(ResolverTest, ServerThatHangsUpBetweenQuestionsIsNoTrouble) {
  listen();
  ask(1, {"a@x.example"});
  {
    Peer peer = greeted();
    hear(peer);
    peer.say(reply("smtp", "hop", "a@x.example"));
    ASSERT_TRUE(answered());
    peer.hang_up();
  }
  const auto start = std::chrono::steady_clock::now();
  ask(2, {"b@x.example"});  // before the loop has seen the end
  const Peer peer = greeted();
  hear(peer);
  peer.say(reply("smtp", "hop", "b@x.example"));
  ASSERT_TRUE(answered(2));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds{900});
  EXPECT_TRUE(log_.lines.empty());
}

// --- bad days ----------------------------------------------------------------------------------------

TEST_F(ResolverTest, QuestionSurvivesARestartOfTheServer) {
  listen();
  ask(1, {"a@x.example"});
  {
    const Peer peer = greeted();
    hear(peer);
  }  // dies with the question
  const Peer peer = greeted();
  EXPECT_EQ(values(hear(peer), "address"), Lines{"a@x.example"});
  peer.say(reply("smtp", "hop", "a@x.example"));
  ASSERT_TRUE(answered());
  EXPECT_TRUE(log_.lines.empty());  // the first failure of a question is silent
}

TEST_F(ResolverTest, SecondFailureOfAQuestionIsAWarning) {
  listen();
  ask(1, {"a@x.example"});
  for (int i = 0; i < 2; ++i) {
    const Peer peer = greeted();
    hear(peer);
  }
  const Peer peer = greeted();
  hear(peer);
  EXPECT_EQ(log_.take(), Lines{"warning: problem talking to service rewrite: Success"});
  peer.say(reply("smtp", "hop", "a@x.example"));
  ASSERT_TRUE(answered());
}

TEST_F(ResolverTest, SilentServerIsAWarningAndIsAskedAgain) {
  listen();
  ask(1, {"a@x.example"});
  const Peer silent = greeted();
  hear(silent);
  run_dry(loop_);
  const Peer peer = greeted();
  EXPECT_TRUE(silent.at_end());
  EXPECT_EQ(log_.take(), Lines{"warning: problem talking to service rewrite: Connection timed out"});
  hear(peer);
  peer.say(reply("smtp", "hop", "a@x.example"));
  ASSERT_TRUE(answered());
}

TEST_F(ResolverTest, AnswerThatStallsHalfWay) {
  listen();
  ask(1, {"a@x.example"});
  const Peer silent = greeted();
  hear(silent);
  silent.say(reply("smtp", "hop", "a@x.example").substr(0, 30));
  const Peer peer = greeted();
  EXPECT_EQ(log_.take().back(), "warning: problem talking to service rewrite: Connection timed out");
  hear(peer);
  peer.say(reply("smtp", "hop", "a@x.example"));
  ASSERT_TRUE(answered());
}

TEST_F(ResolverTest, NullAnswersAreRefusedAndAskedAgain) {
  listen();
  ask(1, {"a@x.example"});
  {
    const Peer peer = greeted();
    hear(peer);
    peer.say(reply("", "hop", "a@x.example"));
    EXPECT_TRUE(run_until(loop_, [&] { return peer.at_end(); }));
    EXPECT_EQ(log_.take(), Lines{"warning: resolve_clnt: null transport result for: <a@x.example>"});
  }
  {
    const Peer peer = greeted();
    hear(peer);
    peer.say(reply("smtp", "hop", ""));
    EXPECT_TRUE(run_until(loop_, [&] { return peer.at_end(); }));
    EXPECT_EQ(log_.take(), Lines{"warning: resolve_clnt: null recipient result for: <a@x.example>"});
  }
  const Peer peer = greeted();
  hear(peer);
  peer.say(reply("smtp", "hop", "a@x.example"));
  ASSERT_TRUE(answered());
}

TEST_F(ResolverTest, MissingServiceIsAWarningAndIsAwaited) {
  ask(1, {"a@x.example"});
  EXPECT_EQ(log_.take(), Lines{"warning: connect #1 to subsystem private/rewrite: No such file or directory"});
  run_dry(loop_);
  EXPECT_TRUE(events_.empty());
  EXPECT_EQ(resolver_->open_commands(), 1U);
  ask(2, {"b@x.example"});  // does not hammer
  EXPECT_TRUE(log_.lines.empty());
}

}  // namespace
}  // namespace weir::postfix
