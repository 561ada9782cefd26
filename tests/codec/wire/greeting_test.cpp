#include "codec/greeting.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace weir::codec {
namespace {

using testing::bytes;
using Texts = std::vector<std::string>;

GreetingReader agent(GreetingStyle style = GreetingStyle::protocol) {
  return GreetingReader{style, kDeliveryProtocol, "private/smtp socket"};
}

GreetingReader after(GreetingReader reader, std::string_view data) {
  reader.feed(data);
  reader.end_of_file();
  return reader;
}

TEST(Greeting, Bytes) {
  EXPECT_EQ(encode_greeting(GreetingStyle::protocol, kDeliveryProtocol).size(), 36U);
  EXPECT_EQ(encode_greeting(GreetingStyle::protocol, kStatusProtocol).size(), 35U);
  EXPECT_EQ(encode_greeting(GreetingStyle::protocol, kRewriteProtocol).size(), 35U);
  EXPECT_EQ(encode_greeting(GreetingStyle::protocol, kVerifyProtocol).size(), 41U);
  EXPECT_EQ(encode_greeting(GreetingStyle::protocol, kFlushProtocol).size(), 31U);
  EXPECT_EQ(encode_greeting(GreetingStyle::status, kDeliveryProtocol), bytes("status\0"
                                                                             "0\0\0"));
  EXPECT_EQ(encode_greeting(GreetingStyle::none, kFlushProtocol), "");
}

TEST(Greeting, Good) {
  GreetingReader reader = agent();
  EXPECT_FALSE(reader.begun());
  EXPECT_EQ(reader.feed(bytes("protocol\0delivery_request_protocol\0\0next")), 36U);
  EXPECT_TRUE(reader.done());
  EXPECT_TRUE(reader.good());
  EXPECT_TRUE(reader.begun());
  EXPECT_TRUE(reader.warnings().empty());
}

TEST(Greeting, NotDoneIsNotGood) {
  GreetingReader reader = agent();
  reader.feed(bytes("protocol\0delivery_request_protocol\0"));
  EXPECT_FALSE(reader.done());
  EXPECT_FALSE(reader.good());
}

TEST(Greeting, OddButGood) {
  EXPECT_TRUE(after(agent(), "").good());
  EXPECT_TRUE(after(agent(), "").warnings().empty());

  const GreetingReader wrong_name = after(agent(), bytes("status\0"
                                                         "0\0\0"));
  EXPECT_TRUE(wrong_name.good());
  EXPECT_EQ(wrong_name.warnings(), Texts{"unexpected attribute status from private/smtp socket (expecting: protocol)"});

  const GreetingReader empty = after(agent(), bytes("\0"));
  EXPECT_TRUE(empty.good());
  EXPECT_EQ(empty.warnings(), Texts{"missing attribute protocol in input from private/smtp socket"});

  const GreetingReader surplus = after(agent(), bytes("protocol\0delivery_request_protocol\0x\0y\0\0"));
  EXPECT_TRUE(surplus.good());
  EXPECT_EQ(surplus.warnings(),
            Texts{"unexpected attribute x from private/smtp socket (expecting: (list terminator))"});
}

TEST(Greeting, Refused) {
  const GreetingReader wrong = after(agent(), bytes("protocol\0X\0\0"));
  EXPECT_FALSE(wrong.good());
  EXPECT_EQ(wrong.warnings(),
            Texts{"unexpected protocol X from private/smtp socket (expected: delivery_request_protocol)"});
  for (const std::string& cut : {bytes("pro"), bytes("protocol\0"), bytes("protocol\0delivery_request_protocol\0")}) {
    EXPECT_FALSE(after(agent(), cut).good());
    EXPECT_EQ(after(agent(), cut).warnings().size(), 1U);
    GreetingReader stalled = agent();
    stalled.feed(cut);
    stalled.time_out();
    EXPECT_TRUE(stalled.done());
    EXPECT_FALSE(stalled.good());
  }
}

TEST(Greeting, OfOldAgents) {
  EXPECT_TRUE(after(agent(GreetingStyle::status), bytes("status\0"
                                                        "0\0\0"))
                  .good());
  for (const std::string& bad : {bytes(""),
                                 bytes("status\0"
                                       "1\0\0"),
                                 bytes("protocol\0x\0\0"), bytes("\0")}) {
    EXPECT_FALSE(after(agent(GreetingStyle::status), bad).good());
  }
}

TEST(Greeting, NoneIsGoodAtOnce) {
  GreetingReader reader = agent(GreetingStyle::none);
  EXPECT_TRUE(reader.done());
  EXPECT_TRUE(reader.good());
  EXPECT_EQ(reader.feed("x"), 0U);
  EXPECT_TRUE(reader.warnings().empty());
}

TEST(Greeting, PeerPath) { EXPECT_EQ(peer_path("private/smtp"), "private/smtp socket"); }

}  // namespace
}  // namespace weir::codec
