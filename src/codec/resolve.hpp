// The conversation with the address resolver and rewriter: questions, answers, and a session that reads several
// answers on one connection (spec/services.md). Caching, connecting and trying again are the world's.
// Tested in tests/codec/wire/resolve_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codec/attr.hpp"
#include "codec/greeting.hpp"
#include "codec/version.hpp"
#include "contract/event.hpp"

namespace weir::codec {

// Where shall mail for this address go?
struct ResolveQuestion {
  bool probe = false;   // an address verification probe: class "verify" instead of "resolve"
  std::string sender;   // of the message; internal form
  std::string address;  // internal form
  friend bool operator==(const ResolveQuestion&, const ResolveQuestion&) = default;
};
// What is the canonical form of this address?
struct RewriteQuestion {
  std::string rule = "local";
  std::string address;  // external form; an empty one travels as two quotes
  friend bool operator==(const RewriteQuestion&, const RewriteQuestion&) = default;
};
using ResolverQuestion = std::variant<ResolveQuestion, RewriteQuestion>;

struct ResolveReply {
  std::int32_t server_flags = 0;  // not 0: the connection is to be closed after this reply
  Answer answer;
  friend bool operator==(const ResolveReply&, const ResolveReply&) = default;
};
struct RewriteReply {
  std::int32_t server_flags = 0;
  std::string address;  // external form
  friend bool operator==(const RewriteReply&, const RewriteReply&) = default;
};
using ResolverReply = std::variant<ResolveReply, RewriteReply>;

[[nodiscard]] std::string encode(const ResolveQuestion& question);
[[nodiscard]] std::string encode(const RewriteQuestion& question);
[[nodiscard]] std::string encode(const ResolverQuestion& question);
[[nodiscard]] std::string encode(const ResolveReply& reply);
[[nodiscard]] std::string encode(const RewriteReply& reply);
[[nodiscard]] std::string encode(const ResolverReply& reply);

// The server's side; nothing for a list that is no question.
[[nodiscard]] std::optional<ResolverQuestion> decode_resolver_question(const AttrList& list);

inline constexpr std::size_t kResolverPipelineMax = 1024;  // questions open on one connection

// One connection to the resolver. Questions may be asked before earlier ones are answered.
//
//   session.ask(q) -> bytes to write, once may_write()
//   session.feed(bytes); while (auto reply = session.next()) ...
//
// When broken(), the connection is of no use: close it, ask the unanswered questions again on another one.
// When closing(), the same, but nothing went wrong.
class ResolverSession {
 public:
  explicit ResolverSession(const Dialect& dialect = {}, std::string path = "private/rewrite socket");

  // The greeting has come and is good. (A greeting that counts as good may be an end of file.)
  [[nodiscard]] bool may_write() const { return greeted_ && usable(); }
  // Remembers the question and gives its bytes. Not more than kResolverPipelineMax may be open.
  [[nodiscard]] std::string ask(ResolverQuestion question);

  void feed(std::string_view bytes);
  void end_of_file();
  void time_out();

  // Answers, in the order of the questions.
  [[nodiscard]] std::optional<ResolverReply> next();

  [[nodiscard]] bool broken() const { return broken_; }    // no answer, or one that is refused
  [[nodiscard]] bool refused() const { return refused_; }  // broken by an answer that lacks what it must have
  [[nodiscard]] bool closing() const { return closing_; }  // the server wants the connection closed
  [[nodiscard]] bool usable() const { return !broken_ && !closing_; }
  [[nodiscard]] std::size_t unanswered() const { return open_.size(); }
  [[nodiscard]] std::deque<ResolverQuestion> take_unanswered() { return std::exchange(open_, {}); }

  // Texts of warnings since the last call.
  [[nodiscard]] std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

 private:
  void start_reply();
  void finish_greeting();
  void finish_reply();
  void accept(ResolverReply reply, bool in_step);
  [[nodiscard]] std::optional<std::string> refusal(const ResolveReply& reply, const ResolveQuestion& question) const;
  void give_up();

  std::string path_;
  GreetingReader greeting_;
  bool greeted_ = false;
  std::deque<ResolverQuestion> open_;
  std::optional<AttrReader> reader_;
  std::deque<ResolverReply> answers_;
  bool broken_ = false, refused_ = false, closing_ = false;
  std::vector<std::string> warnings_;
};

}  // namespace weir::codec
