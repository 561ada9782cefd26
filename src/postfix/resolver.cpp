#include "postfix/resolver.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <variant>

#include "codec/address.hpp"

namespace weir::postfix {

namespace {

namespace line = codec::line;

constexpr std::string_view kPlaceholder = "NEXTRCPT NOT UPDATED";

// A question whose answer may be used again: the real program does not keep those about the empty address.
bool is_cacheable(const codec::ResolverQuestion& question) {
  return std::visit([](const auto& asked) { return !asked.address.empty(); }, question);
}

// Trouble of the resolver must not cost us the address.
Answer with_real_address(Answer answer, const std::string& asked) {
  const bool failed = (answer.flags & kResolveFail) != 0;
  const bool bad = (answer.flags & kResolveError) != 0;
  if (failed || (bad && answer.recipient == kPlaceholder)) answer.recipient = asked;
  return answer;
}

// The server went away by itself, as servers do when they are idle or replaced: no line at the first time.
bool is_quiet(int error) { return error == 0 || error == EPIPE || error == ENOENT; }

}  // namespace

// One connection, with at most one question on it.
struct Resolver::Lane {
  std::shared_ptr<Inquiry> inquiry;  // what it works on; nothing: it rests
  std::optional<Stream> stream;
  std::optional<codec::ResolverSession> session;
  bool asked = false;   // the question has been written
  bool proven = false;  // this connection has given an answer before
  int failures = 0;     // of this question
  Seconds opened{};
  TimerId pause = 0;  // works on when this is over

  [[nodiscard]] bool up() const { return session && session->may_write(); }
  void hang_up() {
    stream.reset();
    session.reset();
    asked = proven = false;
  }
};

Resolver::Resolver(Loop& loop, Voice& voice, const codec::ProcessSettings& settings, const codec::Dialect& dialect,
                   EventSink sink)
    : loop_(loop),
      voice_(voice),
      dialect_(dialect),
      sink_(std::move(sink)),
      service_(settings.rewrite_service_name),
      socket_("private/" + settings.rewrite_service_name),
      //= R-PAR-074
      ipc_timeout_(settings.qmgr_ipc_timeout),
      ipc_idle_(settings.ipc_idle),
      ipc_ttl_(settings.ipc_ttl) {
  for (auto& lane : lanes_) lane = std::make_unique<Lane>();
}

Resolver::~Resolver() {
  for (auto& lane : lanes_) loop_.cancel(lane->pause);
}

// --- questions and answers -----------------------------------------------------------------------------

//= R-GEN-06
void Resolver::resolve(const Resolve& command, const std::string& sender) {
  auto group = std::make_shared<Group>(Group{command.message, command.probe, sender, {}, command.addresses.size()});
  group->answers.resize(command.addresses.size());
  groups_.push_back(group);
  for (std::size_t i = 0; i < command.addresses.size(); ++i) {
    const std::string& address = command.addresses[i];
    if (command.rewrite_first) {
      inquire(codec::RewriteQuestion{"local", codec::to_external(address)}, Subscriber{group, i});
    } else {
      inquire(codec::ResolveQuestion{command.probe, sender, address}, Subscriber{group, i});
    }
  }
  start_waiting();
  report_finished();
}

void Resolver::inquire(codec::ResolverQuestion question, Subscriber subscriber) {
  auto& last = std::holds_alternative<codec::ResolveQuestion>(question) ? last_resolve_ : last_rewrite_;
  if (last && last->question == question && is_cacheable(question)) {
    if (!last->reply) {
      last->subscribers.push_back(std::move(subscriber));
      return;
    }
    if (loop_.now().seconds() < last->expires) {
      const auto known = last;  // telling may put another question
      tell(*known, subscriber);
      return;
    }
  }
  last = std::make_shared<Inquiry>();
  last->question = std::move(question);
  last->subscribers.push_back(std::move(subscriber));
  waiting_.push_back(last);
}

void Resolver::settle(Inquiry& inquiry, const codec::ResolverReply& reply) {
  inquiry.reply = reply;
  inquiry.expires = loop_.now().seconds() + kCacheTime;
  const auto subscribers = std::exchange(inquiry.subscribers, {});
  for (const Subscriber& subscriber : subscribers) tell(inquiry, subscriber);
}

void Resolver::tell(const Inquiry& inquiry, const Subscriber& subscriber) {
  Group& group = *subscriber.group;
  if (const auto* rewritten = std::get_if<codec::RewriteReply>(&*inquiry.reply)) {
    inquire(codec::ResolveQuestion{group.probe, group.sender, codec::to_internal(rewritten->address)}, subscriber);
    return;
  }
  const auto* resolved = std::get_if<codec::ResolveReply>(&*inquiry.reply);
  const auto* question = std::get_if<codec::ResolveQuestion>(&inquiry.question);
  if (resolved == nullptr || question == nullptr) return;
  group.answers[subscriber.index] = with_real_address(resolved->answer, question->address);
  --group.missing;
}

void Resolver::report_finished() {
  while (!groups_.empty() && groups_.front()->missing == 0) {
    const std::shared_ptr<Group> group = groups_.front();
    groups_.pop_front();
    sink_(Resolved{group->message, std::move(group->answers)});
  }
}

// --- lanes ---------------------------------------------------------------------------------------------

// The first lane goes ahead; the others follow when it has a server to talk to.
Resolver::Lane* Resolver::free_lane() {
  if (!lanes_[0]->inquiry) return lanes_[0].get();
  if (!lanes_[0]->up()) return nullptr;
  for (auto& lane : lanes_) {
    if (!lane->inquiry) return lane.get();
  }
  return nullptr;
}

void Resolver::start_waiting() {
  while (!waiting_.empty()) {
    Lane* lane = free_lane();
    if (lane == nullptr) return;
    lane->inquiry = std::move(waiting_.front());
    waiting_.pop_front();
    lane->failures = 0;
    work(*lane);
  }
}

void Resolver::work(Lane& lane) {
  loop_.cancel(std::exchange(lane.pause, 0));
  if (!lane.stream) {
    connect(lane);
  } else if (lane.up()) {
    ask(lane);
  }
}

void Resolver::connect(Lane& lane) {
  const Connection connection = connect_local(socket_);
  if (connection.error == EAGAIN) {  // the server is only behind: a patient client would wait in the kernel
    work_later(lane, kRetryTime);
    return;
  }
  if (connection.error != 0) {
    voice_.say(line::connect_subsystem_failed(++connect_failures_, socket_, reason_of(connection.error), false));
    work_later(lane, kReconnectTime);
    return;
  }
  connect_failures_ = 0;
  lane.session.emplace(dialect_, codec::peer_path(socket_));
  lane.stream.emplace(loop_, connection.fd, Loop::Peer::service);
  lane.opened = loop_.now().seconds();
  lane.stream->on_readable([this, &lane] { readable(lane); });
  lane.stream->set_limit(ipc_timeout_, [this, &lane] { silent(lane); });
  if (lane.up()) ask(lane);  // a server that does not greet
}

void Resolver::ask(Lane& lane) {
  lane.asked = true;
  const std::string bytes = lane.session->ask(lane.inquiry->question);
  lane.stream->set_limit(ipc_timeout_, [this, &lane] { silent(lane); });
  const auto sent = [this, &lane](int error) {
    if (error != 0) lost(lane, error);
  };
  if (lane.stream->send(bytes, sent) == Stream::Send::failed) lost(lane, lane.stream->last_error());
}

void Resolver::readable(Lane& lane) {
  if (!lane.inquiry) {  // the server hangs up, or says what nobody asked
    loop_.cancel(std::exchange(lane.pause, 0));
    lane.hang_up();
    return;
  }
  std::string bytes;
  switch (lane.stream->read(bytes)) {
    case Stream::Read::nothing_yet: return;
    case Stream::Read::some: lane.session->feed(bytes); break;
    case Stream::Read::end: lane.session->end_of_file(); break;
  }
  voice_.warn_all(lane.session->take_warnings());
  if (const auto reply = lane.session->next()) {
    reply_read(lane, *reply);
  } else if (!lane.session->usable()) {
    lost(lane, lane.stream->last_error());
  } else if (lane.up() && !lane.asked) {
    ask(lane);
    start_waiting();
  }
}

void Resolver::reply_read(Lane& lane, const codec::ResolverReply& reply) {
  const std::shared_ptr<Inquiry> inquiry = std::move(lane.inquiry);
  lane.inquiry.reset();
  lane.asked = false;
  lane.proven = true;
  lane.stream->clear_limit();
  const bool aged = loop_.now().seconds() - lane.opened >= ipc_ttl_;
  if (!lane.session->usable() || aged) lane.hang_up();
  settle(*inquiry, reply);
  start_waiting();
  rest(lane);
  report_finished();
}

// Without work a connection is closed after a while, but not after its time in all is over.
void Resolver::rest(Lane& lane) {
  if (lane.inquiry || !lane.stream || lane.pause != 0) return;
  const Seconds left = ipc_ttl_ - (loop_.now().seconds() - lane.opened);
  lane.pause = loop_.after(std::min(ipc_idle_, std::max(left, Seconds{0})), [&lane] {
    lane.pause = 0;
    if (!lane.inquiry) lane.hang_up();
  });
}

void Resolver::silent(Lane& lane) {
  lane.session->time_out();
  voice_.warn_all(lane.session->take_warnings());
  lost(lane, ETIMEDOUT);
}

// The question is kept, and asked again.
void Resolver::lost(Lane& lane, int error) {
  const bool first = ++lane.failures == 1;
  const bool refused = lane.session && lane.session->refused();
  const bool stale = first && lane.proven && !refused && (is_quiet(error) || error == ECONNRESET);
  lane.hang_up();
  if (!refused && !stale && !(first && is_quiet(error)))
    voice_.say(line::talking_to_service(service_, reason_of(error)));
  if (stale) {
    work(lane);  // it had been closed while it rested: nothing is wrong
  } else {
    work_later(lane, kRetryTime);
  }
}

void Resolver::work_later(Lane& lane, Seconds delay) {
  loop_.cancel(lane.pause);
  lane.pause = loop_.after(delay, [this, &lane] {
    lane.pause = 0;
    if (lane.inquiry) work(lane);
  });
}

}  // namespace weir::postfix
