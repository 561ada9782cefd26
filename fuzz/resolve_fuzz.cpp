// resolve: what a resolver says to a client that has asked some questions, and what a client says to a resolver.
//
//   x = (pieces, questions, stream)
//   session over any pieces of stream           =  session over stream in one piece
//   answers                                    <=  questions; answers + unanswered = questions
//   encode(answer), read by another session     =  the same answer
//   decode_resolver_question(list) = q          =>  decode(encode(q)) = q
#include <string>
#include <vector>

#include "codec/resolve.hpp"
#include "contract/check.hpp"
#include "fuzz/bytes.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

using codec::ResolveQuestion;
using codec::ResolverQuestion;
using codec::ResolverReply;
using codec::RewriteQuestion;

std::vector<ResolverQuestion> questions_of(std::uint8_t kinds) {
  std::vector<ResolverQuestion> questions;
  for (int i = 0; i < 4; ++i) {
    const bool rewrite = (kinds >> i & 1) != 0;
    if (rewrite) {
      questions.emplace_back(RewriteQuestion{"local", "user@example.com"});
    } else {
      questions.emplace_back(ResolveQuestion{(kinds >> 4 & 1) != 0, "sender@example.com", "user@example.com"});
    }
  }
  return questions;
}

struct Outcome {
  std::vector<ResolverReply> replies;
  std::vector<std::string> warnings;
  bool broken = false, refused = false, closing = false;
  std::size_t unanswered = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// `greeting` in one piece: what comes behind it before anything was asked is thrown away by design.
Outcome talk(const std::vector<ResolverQuestion>& questions, std::string_view greeting, std::string_view stream,
             std::uint8_t pieces, bool timed_out) {
  codec::ResolverSession session;
  session.feed(greeting);
  if (session.may_write()) {
    for (const ResolverQuestion& question : questions) WEIR_CHECK(!session.ask(question).empty());
  }
  in_pieces(stream, pieces, [&](std::string_view piece) { session.feed(piece); });
  if (timed_out) {
    session.time_out();
  } else {
    session.end_of_file();
  }
  Outcome outcome;
  while (auto reply = session.next()) outcome.replies.push_back(std::move(*reply));
  outcome.warnings = session.take_warnings();
  outcome.broken = session.broken();
  outcome.refused = session.refused();
  outcome.closing = session.closing();
  outcome.unanswered = session.unanswered();
  return outcome;
}

void check_made_again(const ResolverQuestion& question, const ResolverReply& reply) {
  codec::ResolverSession session;
  session.feed(codec::encode_greeting(codec::GreetingStyle::protocol, codec::kRewriteProtocol));
  WEIR_CHECK(session.may_write());
  (void)session.ask(question);
  session.feed(codec::encode(reply));
  const auto again = session.next();
  WEIR_CHECK(again && *again == reply);
}

void check_server_side(const std::string& stream) {
  const auto list = codec::parse_attr_list(stream);
  if (!list) return;
  auto question = codec::decode_resolver_question(list->list);
  if (!question) return;
  auto* rewrite = std::get_if<RewriteQuestion>(&*question);
  if (rewrite != nullptr && rewrite->address.empty()) rewrite->address = "\"\"";  // as the empty one travels
  const auto again = codec::parse_attr_list(codec::encode(*question));
  WEIR_CHECK(again && codec::decode_resolver_question(again->list) == question);
}

}  // namespace

void run(std::string_view input) {
  Bytes bytes(input);
  const std::uint8_t pieces = bytes.byte();
  const std::uint8_t kinds = bytes.byte();
  const bool own_greeting = (kinds & 32) != 0;
  const bool timed_out = (kinds & 64) != 0;
  const std::string stream{bytes.rest()};
  const auto questions = questions_of(kinds);
  const std::string good = codec::encode_greeting(codec::GreetingStyle::protocol, codec::kRewriteProtocol);
  const std::string_view greeting = own_greeting ? std::string_view{} : good;

  const Outcome outcome = talk(questions, greeting, stream, 0, timed_out);
  WEIR_CHECK(outcome == talk(questions, greeting, stream, pieces, timed_out) || own_greeting);
  WEIR_CHECK(outcome.replies.size() <= questions.size());
  WEIR_CHECK(own_greeting || outcome.replies.size() + outcome.unanswered == questions.size());
  for (std::size_t i = 0; i < outcome.replies.size(); ++i) check_made_again(questions[i], outcome.replies[i]);
  check_server_side(stream);
}

}  // namespace weir::fuzz
