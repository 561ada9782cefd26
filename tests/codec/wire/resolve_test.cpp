#include "codec/resolve.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace weir::codec {
namespace {

using testing::bytes;
using Texts = std::vector<std::string>;

ResolveQuestion question(std::string address) { return {false, "sender@local.example", std::move(address)}; }

ResolveReply reply(std::string recipient, std::int32_t server_flags = 0) {
  return {server_flags, {"smtp", "sink.example", std::move(recipient), 4096}};
}

const std::string kGreeting = encode_greeting(GreetingStyle::protocol, kRewriteProtocol);

ResolverSession greeted() {
  ResolverSession session;
  session.feed(kGreeting);
  EXPECT_TRUE(session.may_write());
  return session;
}

TEST(Resolver, QuestionBytes) {
  EXPECT_EQ(encode(question("a@x")), bytes("request\0resolve\0sender\0sender@local.example\0address\0a@x\0\0"));
  EXPECT_EQ(encode(ResolveQuestion{true, "", "a@x"}), bytes("request\0verify\0sender\0\0address\0a@x\0\0"));
  EXPECT_EQ(encode(RewriteQuestion{"local", "a@x"}), bytes("request\0rewrite\0rule\0local\0address\0a@x\0\0"));
  // As observed for a message with an empty redirect record.
  EXPECT_EQ(encode(RewriteQuestion{"local", ""}), bytes("request\0rewrite\0rule\0local\0address\0\"\"\0\0"));
}

TEST(Resolver, QuestionsBothWays) {
  for (const ResolverQuestion& q : {ResolverQuestion{question("a@x")}, ResolverQuestion{ResolveQuestion{true, "", ""}},
                                    ResolverQuestion{RewriteQuestion{"local", "\"a b\"@x"}}}) {
    EXPECT_EQ(decode_resolver_question(parse_attr_list(encode(q))->list), q);
  }
  EXPECT_FALSE(decode_resolver_question({}));
  EXPECT_FALSE(decode_resolver_question({{"request", "X"}, {"sender", ""}, {"address", "a"}}));
  EXPECT_FALSE(decode_resolver_question({{"request", "rewrite"}, {"sender", ""}, {"address", "a"}}));
  EXPECT_FALSE(decode_resolver_question({{"request", "resolve"}, {"rule", ""}, {"address", "a"}}));
}

TEST(Resolver, MayWriteOnlyAfterTheGreeting) {
  ResolverSession session;
  EXPECT_FALSE(session.may_write());
  session.feed(kGreeting.substr(0, 10));
  EXPECT_FALSE(session.may_write());
  session.feed(kGreeting.substr(10));
  EXPECT_TRUE(session.may_write());
  EXPECT_TRUE(ResolverSession{dialect_for(*parse_mail_version("3.5.0"))}.may_write());
}

TEST(Resolver, BadGreeting) {
  ResolverSession session;
  session.feed(bytes("protocol\0X\0\0"));
  EXPECT_TRUE(session.broken());
  EXPECT_FALSE(session.may_write());
  EXPECT_EQ(session.take_warnings(),
            Texts{"unexpected protocol X from private/rewrite socket (expected: trivial_rewrite_protocol)"});
}

TEST(Resolver, EndOfFileAsGreetingIsOfNoUse) {
  ResolverSession session;
  session.end_of_file();
  EXPECT_TRUE(session.broken());
  EXPECT_TRUE(session.take_warnings().empty());
}

TEST(Resolver, OneAnswer) {
  ResolverSession session = greeted();
  EXPECT_EQ(session.ask(question("a@x")), encode(question("a@x")));
  EXPECT_EQ(session.unanswered(), 1U);
  EXPECT_FALSE(session.next());
  session.feed(encode(reply("a@x")));
  EXPECT_EQ(session.next(), ResolverReply{reply("a@x")});
  EXPECT_FALSE(session.next());
  EXPECT_EQ(session.unanswered(), 0U);
  EXPECT_TRUE(session.may_write());
}

TEST(Resolver, SeveralAnswersOnOneConnection) {
  const std::vector<ResolverReply> replies{reply("a@x"), RewriteReply{0, "b@x"}, reply("c@x")};
  std::string data;
  for (const ResolverReply& r : replies) data += encode(r);
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, data.size()}) {
    ResolverSession session = greeted();
    (void)session.ask(question("a@x"));
    (void)session.ask(RewriteQuestion{"local", "b"});
    (void)session.ask(question("c@x"));
    for (std::size_t at = 0; at < data.size(); at += chunk) session.feed(std::string_view{data}.substr(at, chunk));
    for (const ResolverReply& r : replies) EXPECT_EQ(session.next(), r);
    EXPECT_TRUE(session.usable());
    EXPECT_EQ(session.unanswered(), 0U);
  }
}

TEST(Resolver, ServerFlagsCloseTheConnection) {
  ResolverSession session = greeted();
  (void)session.ask(question("a@x"));
  (void)session.ask(question("b@x"));
  session.feed(encode(reply("a@x", 1)) + encode(reply("b@x")));
  EXPECT_EQ(session.next(), ResolverReply{reply("a@x", 1)});
  EXPECT_FALSE(session.next());
  EXPECT_TRUE(session.closing());
  EXPECT_FALSE(session.broken());
  EXPECT_FALSE(session.may_write());
  EXPECT_EQ(session.take_unanswered().size(), 1U);
}

TEST(Resolver, NullTransportIsRefused) {
  ResolverSession session = greeted();
  (void)session.ask(question("a@x"));
  session.feed(encode(ResolveReply{0, {"", "hop", "a@x", 0}}));
  EXPECT_TRUE(session.broken());
  EXPECT_TRUE(session.refused());
  EXPECT_EQ(session.unanswered(), 1U);
  EXPECT_EQ(session.take_warnings(), Texts{"resolve_clnt: null transport result for: <a@x>"});
}

TEST(Resolver, NullRecipientIsRefusedUnlessAskedAbout) {
  ResolverSession session = greeted();
  (void)session.ask(question("a@x"));
  session.feed(encode(reply("")));
  EXPECT_TRUE(session.refused());
  EXPECT_EQ(session.take_warnings(), Texts{"resolve_clnt: null recipient result for: <a@x>"});

  ResolverSession empty = greeted();
  (void)empty.ask(question(""));
  empty.feed(encode(reply("")));
  EXPECT_EQ(empty.next(), ResolverReply{reply("")});
}

TEST(Resolver, EndOfFileInsteadOfAnAnswer) {
  ResolverSession session = greeted();
  (void)session.ask(question("a@x"));
  session.end_of_file();
  EXPECT_TRUE(session.broken());
  EXPECT_FALSE(session.refused());
  EXPECT_TRUE(session.take_warnings().empty());
  ASSERT_EQ(session.unanswered(), 1U);
  EXPECT_EQ(session.take_unanswered().front(), ResolverQuestion{question("a@x")});
}

TEST(Resolver, CutOrMalformedAnswers) {
  const std::string whole = encode(reply("a@x"));
  for (std::size_t size = 1; size < whole.size(); ++size) {
    ResolverSession session = greeted();
    (void)session.ask(question("a@x"));
    session.feed(whole.substr(0, size));
    session.time_out();
    EXPECT_TRUE(session.broken()) << size;
    EXPECT_EQ(session.unanswered(), 1U);
    EXPECT_EQ(session.take_warnings().size(), 1U);
  }
  for (const std::string& bad : {bytes("\0"), bytes("flags\0x\0"), bytes("transport\0smtp\0\0")}) {
    ResolverSession session = greeted();
    (void)session.ask(question("a@x"));
    session.feed(bad);
    EXPECT_TRUE(session.broken());
  }
}

TEST(Resolver, SurplusAttributeIsAcceptedButTheStreamIsLeft) {
  ResolverSession session = greeted();
  (void)session.ask(question("a@x"));
  std::string data = encode(reply("a@x"));
  data.insert(data.size() - 1, bytes("z\0y\0"));
  session.feed(data);
  EXPECT_EQ(session.next(), ResolverReply{reply("a@x")});
  EXPECT_TRUE(session.closing());
  EXPECT_EQ(session.take_warnings(),
            Texts{"unexpected attribute z from private/rewrite socket (expecting: (list terminator))"});
}

TEST(Resolver, TalkingUnaskedOrHangingUpWhileIdleMeansReconnect) {
  ResolverSession talks = greeted();
  talks.feed("x");
  EXPECT_TRUE(talks.closing());
  ResolverSession leaves = greeted();
  leaves.end_of_file();
  EXPECT_TRUE(leaves.closing());
  EXPECT_FALSE(leaves.broken());
}

TEST(Resolver, PlaceholdersAreGivenAsTheyCame) {
  ResolverSession session = greeted();
  (void)session.ask(question("a@x"));
  const ResolveReply failed{0, {"CHANNEL NOT UPDATED", "NEXTHOP NOT UPDATED", "NEXTRCPT NOT UPDATED", kResolveFail}};
  session.feed(encode(failed));
  EXPECT_EQ(session.next(), ResolverReply{failed});
}

}  // namespace
}  // namespace weir::codec
