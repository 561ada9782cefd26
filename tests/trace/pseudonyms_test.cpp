// Pseudonyms: what they keep, what they hide, and what they refuse.
#include "trace/pseudonyms.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "contract/show.hpp"

namespace weir::trace {
namespace {

Config config() {
  Config config;
  config.recipient_delimiter = "+";
  return config;
}

TEST(Ranks, AreInTheOrderOfTheTexts) {
  Ranks ranks;
  std::map<std::string, std::uint64_t> given;
  unsigned state = 1;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 1664525U + 1013904223U;
    const std::string text = std::to_string(state % 100'000);
    const auto rank = ranks.rank(text);
    ASSERT_TRUE(rank);
    const auto [found, fresh] = given.emplace(text, *rank);
    EXPECT_EQ(found->second, *rank);
  }
  std::uint64_t last = 0;
  for (const auto& [text, rank] : given) {
    EXPECT_GT(rank, last);
    last = rank;
  }
}

TEST(Ranks, LongSortedRunsHaveRoom) {
  for (const int step : {1, -1}) {
    Ranks ranks;
    for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(ranks.rank(std::to_string(500'000 + i * step)));
  }
}

TEST(Ranks, SayWhenThereIsNoRoomLeft) {
  Ranks ranks;
  std::string text = "m", decoy = "z";
  int count = 0;
  while (count < 100 && ranks.rank(text)) {
    ASSERT_TRUE(ranks.rank(decoy));
    text.insert(text.begin(), 'a');  // below all, but not beside the newest
    decoy += 'z';
    ++count;
  }
  EXPECT_GT(count, 40);
  EXPECT_LT(count, 100);
  EXPECT_FALSE(ranks.knows(text));
}

TEST(Pseudonyms, KeepBothOrders) {
  const std::vector<std::string> names = {"Bob", "bob", "BOB", "alice",   "Alice", "aLice", "a.b", "a",
                                          "a+x", "[",   "_x",  "bob+Ext", "~",     "zz",    "Zz",  "bob.smith"};
  Pseudonyms pseudonyms(config());
  const auto folded = [](std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return text;
  };
  const auto mailbox = [&](const std::string& address) {
    return folded(address.substr(0, std::min(address.find('+'), address.find('@')))) + '@';
  };
  for (const std::string& a : names) {
    for (const std::string& b : names) {
      const std::string real_a = a + "@example.com", real_b = b + "@example.com";
      const std::string hidden_a = pseudonyms.address(real_a), hidden_b = pseudonyms.address(real_b);
      EXPECT_EQ(real_a < real_b, hidden_a < hidden_b) << a << ' ' << b;
      EXPECT_EQ(mailbox(real_a) < mailbox(real_b), mailbox(hidden_a) < mailbox(hidden_b)) << a << ' ' << b;
      EXPECT_EQ(hidden_a.substr(hidden_a.find('@')), "@example.com");
    }
  }
  EXPECT_TRUE(pseudonyms.good());
}

TEST(Pseudonyms, KeepWhatIsSpecial) {
  Pseudonyms pseudonyms(config());
  EXPECT_EQ(pseudonyms.address(""), "");
  const Config hidden = pseudonyms.hidden(config());
  std::string bounce = pseudonyms.address("Double-Bounce@example.com");
  bounce.resize(bounce.find('@'));
  for (char& c : bounce) c = c == 'A' ? 'a' : c;
  EXPECT_EQ(bounce, hidden.double_bounce_sender);
  EXPECT_EQ(hidden.myhostname, config().myhostname);
}

TEST(Pseudonyms, ReasonsKeepTheBrainsOwnWordsAndTheirOrder) {
  Pseudonyms pseudonyms(config());
  const std::vector<std::string> sorted = {"a",
                                           "address resolver failure",
                                           "address resolver failures",
                                           "Deferred transport",
                                           "delivery",
                                           "delivery temporarily suspended: a",
                                           "delivery temporarily suspended: Address resolver failure",
                                           "delivery temporarily suspended: z",
                                           "delivery temporarily suspended; really",
                                           "host said no",
                                           "mail transport unavailable",
                                           "z"};
  std::string last;
  for (const std::string& text : sorted) {
    std::string hidden = pseudonyms.reason(text);
    for (char& c : hidden) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    EXPECT_GT(hidden, last) << text;
    last = hidden;
  }
  for (const char* own : {"", "Too many address verification requests", "4ABC: trace service failed"}) {
    EXPECT_EQ(pseudonyms.reason(own), own);
  }
  EXPECT_EQ(pseudonyms.nexthop("4.4.1 delivery temporarily suspended: unknown error"),
            "4.4.1 delivery temporarily suspended: unknown error");
  EXPECT_EQ(pseudonyms.nexthop("[192.0.2.1]:25"), "[192.0.2.1]:25");
  EXPECT_EQ(pseudonyms.nexthop("4.4.1 jane").find("jane"), std::string::npos);
}

TEST(Pseudonyms, HideEveryNameInEventsAndCommands) {
  Pseudonyms pseudonyms(config());
  const std::string jane = "jane@example.com";
  const Recipient recipient{.offset = 1, .address = jane, .original = jane, .dsn_orcpt = "rfc822;" + jane, .notify = 0};
  Envelope e;
  e.sender = e.envelope_id = e.sasl_username = e.sasl_method = e.sasl_sender = e.log_ident = jane;
  e.client = {jane, jane, jane, jane, jane};
  e.redirect = jane;
  e.filter = "error:4.0.0 jane";
  const Dsn dsn{"4.0.0", "jane is away"};
  const std::vector<Event> events = {Admitted{MessageId{1}, e, Batch{{recipient}, false, 0}, false},
                                     RecipientsRead{MessageId{1}, Batch{{recipient}, false, 0}},
                                     Resolved{MessageId{1}, {Answer{"error", "5.1.1 jane is gone", jane, 0}}},
                                     Delivered{AgentId{1}, true, true, dsn}};
  for (const Event& event : events) {
    const std::string hidden = show(pseudonyms.hidden(event));
    EXPECT_EQ(hidden.find("jane"), std::string::npos) << hidden;
  }
  const std::vector<Command> commands = {
      Resolve{MessageId{1}, false, false, {jane}},
      Deliver{AgentId{1}, MessageId{1}, "4.0.0 jane", 0, {recipient}},
      AskService{TicketId{1}, MessageId{1}, AppendRequest{Service::defer, 0, recipient, dsn, "delayed"}},
      AskService{TicketId{1}, MessageId{1}, VerifyUpdate{jane, 1, "jane is away"}},
      Log{LogExpired{"4ABC", jane, false}},
      Log{LogDelivery{"4ABC", recipient, Time{}, Time{}, Time{}, dsn, "deferred"}},
      Log{LogFeedbackState{false, "jane@[192.0.2.1]", 1, 1, 0, 0, 0}},
      Log{LogFeedbackState{false, "4.0.0 jane is away", 1, 1, 0, 0, 0}},
      Log{LogClogged{"4.0.0 jane is away", "retry", 1, 1, false, LogClogged::Advice::timeouts, 0}}};
  for (const Command& command : commands) {
    const std::string hidden = show(pseudonyms.hidden(command));
    EXPECT_EQ(hidden.find("jane"), std::string::npos) << hidden;
  }
  EXPECT_TRUE(pseudonyms.good());
  EXPECT_GT(pseudonyms.bytes(), jane.size());
}

TEST(Pseudonyms, RefuseWhatTheyCannotKeep) {
  Config letters = config();
  letters.recipient_delimiter = "a";
  Pseudonyms with_letters(letters);
  (void)with_letters.address("bob@example.com");
  EXPECT_FALSE(with_letters.good());

  Config dash = config();
  dash.recipient_delimiter = "-";
  Pseudonyms with_dash(dash);
  (void)with_dash.address("owner-list@example.com");
  EXPECT_TRUE(with_dash.good());
  (void)with_dash.address("owner-list@a-b@example.com");
  EXPECT_FALSE(with_dash.good());
}

}  // namespace
}  // namespace weir::trace
