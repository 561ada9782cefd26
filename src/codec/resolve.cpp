#include "codec/resolve.hpp"

#include <utility>

#include "codec/log_line.hpp"
#include "contract/check.hpp"

namespace weir::codec {
namespace {

constexpr std::string_view kEmptyExternal = "\"\"";

[[nodiscard]] std::vector<AttrWant> resolve_wants() {
  return {{"flags", AttrType::number}, {"transport"}, {"nexthop"}, {"recipient"}, {"flags", AttrType::number}};
}

[[nodiscard]] std::vector<AttrWant> rewrite_wants() { return {{"flags", AttrType::number}, {"address"}}; }

[[nodiscard]] ResolveReply resolve_reply(const AttrReader& reader) {
  return {reader.value(0).int32(),
          {reader.value(1).text, reader.value(2).text, reader.value(3).text,
           static_cast<unsigned>(reader.value(4).number)}};
}

[[nodiscard]] RewriteReply rewrite_reply(const AttrReader& reader) {
  return {reader.value(0).int32(), reader.value(1).text};
}

[[nodiscard]] bool has_names(const AttrList& list, std::string_view first, std::string_view second,
                             std::string_view third) {
  return list.size() == 3 && list[0].first == first && list[1].first == second && list[2].first == third;
}

}  // namespace

// --- questions and answers as bytes --------------------------------------------------------------------

std::string encode(const ResolveQuestion& question) {
  return AttrWriter{}
      .text("request", question.probe ? "verify" : "resolve")
      .text("sender", question.sender)
      .text("address", question.address)
      .end()
      .take();
}

std::string encode(const RewriteQuestion& question) {
  return AttrWriter{}
      .text("request", "rewrite")
      .text("rule", question.rule)
      .text("address", question.address.empty() ? kEmptyExternal : question.address)
      .end()
      .take();
}

std::string encode(const ResolverQuestion& question) {
  return std::visit([](const auto& q) { return encode(q); }, question);
}

std::string encode(const ResolveReply& reply) {
  return AttrWriter{}
      .number("flags", reply.server_flags)
      .text("transport", reply.answer.transport)
      .text("nexthop", reply.answer.nexthop)
      .text("recipient", reply.answer.recipient)
      .number("flags", reply.answer.flags)
      .end()
      .take();
}

std::string encode(const RewriteReply& reply) {
  return AttrWriter{}.number("flags", reply.server_flags).text("address", reply.address).end().take();
}

std::string encode(const ResolverReply& reply) {
  return std::visit([](const auto& r) { return encode(r); }, reply);
}

std::optional<ResolverQuestion> decode_resolver_question(const AttrList& list) {
  if (has_names(list, "request", "sender", "address")) {
    const bool probe = list[0].second == "verify";
    if (!probe && list[0].second != "resolve") return std::nullopt;
    return ResolveQuestion{probe, list[1].second, list[2].second};
  }
  if (has_names(list, "request", "rule", "address") && list[0].second == "rewrite") {
    return RewriteQuestion{list[1].second, list[2].second};
  }
  return std::nullopt;
}

// --- session -------------------------------------------------------------------------------------------

ResolverSession::ResolverSession(const Dialect& dialect, std::string path)
    : path_(std::move(path)),
      greeting_(dialect.service_greeting, kRewriteProtocol, path_),
      greeted_(greeting_.done()) {}

std::string ResolverSession::ask(ResolverQuestion question) {
  WEIR_CHECK(open_.size() < kResolverPipelineMax);
  std::string bytes = encode(question);
  open_.push_back(std::move(question));
  if (!reader_) start_reply();
  return bytes;
}

void ResolverSession::feed(std::string_view bytes) {
  if (!greeted_ && usable()) {
    greeting_.feed(bytes);
    if (greeting_.done()) finish_greeting();
    return;  // what came before a question is not an answer
  }
  while (usable() && !bytes.empty()) {
    if (!reader_) {
      closing_ = true;  // talks without being asked: out of step
      return;
    }
    bytes.remove_prefix(reader_->feed(bytes));
    if (reader_->done()) finish_reply();
  }
}

void ResolverSession::end_of_file() {
  if (!usable()) return;
  if (!greeted_) {
    greeting_.end_of_file();
    finish_greeting();
    give_up();
  } else if (!reader_) {
    closing_ = true;
  } else {
    reader_->end_of_file();
    finish_reply();
  }
}

void ResolverSession::time_out() {
  if (!usable()) return;
  if (!greeted_) {
    greeting_.time_out();
    finish_greeting();
    give_up();
  } else if (reader_) {
    reader_->time_out();
    finish_reply();
  }
}

std::optional<ResolverReply> ResolverSession::next() {
  if (answers_.empty()) return std::nullopt;
  ResolverReply reply = std::move(answers_.front());
  answers_.pop_front();
  return reply;
}

void ResolverSession::finish_greeting() {
  for (std::string& text : greeting_.warnings()) warnings_.push_back(std::move(text));
  greeted_ = greeting_.good();
  if (!greeted_) give_up();
}

void ResolverSession::start_reply() {
  const bool resolve = std::holds_alternative<ResolveQuestion>(open_.front());
  reader_.emplace(resolve ? resolve_wants() : rewrite_wants(), path_);
}

void ResolverSession::finish_reply() {
  const AttrReader reader = std::move(*reader_);
  reader_.reset();
  warnings_.insert(warnings_.end(), reader.warnings().begin(), reader.warnings().end());
  if (!reader.complete()) {
    give_up();
  } else if (std::holds_alternative<RewriteQuestion>(open_.front())) {
    accept(rewrite_reply(reader), reader.in_step());
  } else if (auto why = refusal(resolve_reply(reader), std::get<ResolveQuestion>(open_.front()))) {
    warnings_.push_back(std::move(*why));
    refused_ = true;
    give_up();
  } else {
    accept(resolve_reply(reader), reader.in_step());
  }
}

void ResolverSession::accept(ResolverReply reply, bool in_step) {
  const auto flags = std::visit([](const auto& r) { return r.server_flags; }, reply);
  closing_ = flags != 0 || !in_step;
  answers_.push_back(std::move(reply));
  open_.pop_front();
  if (!open_.empty() && !closing_) start_reply();
}

std::optional<std::string> ResolverSession::refusal(const ResolveReply& reply, const ResolveQuestion& question) const {
  if (reply.answer.transport.empty()) return line::null_transport(question.address).text;
  if (reply.answer.recipient.empty() && !question.address.empty()) return line::null_recipient(question.address).text;
  return std::nullopt;
}

void ResolverSession::give_up() {
  broken_ = true;
  reader_.reset();
}

}  // namespace weir::codec
