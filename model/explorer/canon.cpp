#include "model/explorer/canon.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "contract/check.hpp"

namespace weir::explorer {
namespace {

using model::DestinationId;
using model::EntryId;
using model::JobId;

// New names for ids. Those of entries and messages follow from what they are; all others count from 1.
struct Names {
  std::map<MessageId, std::uint64_t> messages;
  std::map<AgentId, std::uint64_t> agents;
  std::map<TicketId, std::uint64_t> tickets;
  std::map<DestinationId, std::uint64_t> destinations;
  std::map<JobId, std::uint64_t> jobs;
  std::map<EntryId, std::uint64_t> entries;
  std::map<std::uint64_t, Seconds> queued;  // by new name of the message: age, negative

  template <class I>
  [[nodiscard]] const auto& of() const {
    if constexpr (std::is_same_v<I, MessageId>) {
      return messages;
    } else if constexpr (std::is_same_v<I, AgentId>) {
      return agents;
    } else if constexpr (std::is_same_v<I, TicketId>) {
      return tickets;
    } else if constexpr (std::is_same_v<I, DestinationId>) {
      return destinations;
    } else if constexpr (std::is_same_v<I, JobId>) {
      return jobs;
    } else {
      return entries;
    }
  }
};

constexpr std::uint64_t kUnknown = 250;  // something that is not there any more

class Naming {
 public:
  Naming(const model::State& state, const Environment& environment, Seconds age_max)
      : s_(state), e_(environment), age_max_(age_max) {}

  [[nodiscard]] Names names() {
    name_messages();
    for (const std::string& name : s_.transport_order) {
      for (const DestinationId id : s_.transports.at(name).destinations) add(names_.destinations, id);
    }
    for (const auto& [id, destination] : s_.destinations) add(names_.destinations, id);
    for (std::size_t m = 0; m < kMessages; ++m) {
      for (const auto& [id, message] : s_.messages) {
        if (message_of(message.queue_id) != m) continue;
        for (const JobId job : message.jobs) add(names_.jobs, job);
      }
    }
    for (const auto& [id, job] : s_.jobs) add(names_.jobs, id);
    name_entries();
    name_agents();
    name_tickets();
    return std::move(names_);
  }

 private:
  template <class I>
  static void add(std::map<I, std::uint64_t>& table, I id) {
    table.try_emplace(id, table.size() + 1);
  }

  // No world sets its clock back: steady time, whenever it is read, is that of the clock.
  void name_messages() {
    std::vector<Seconds> ages;
    for (const auto& [id, message] : s_.messages) {
      names_.messages.emplace(id, message_of(message.queue_id) + 1);
      ages.push_back(e_.now - message.queued);
    }
    // Ages above the greatest that is told apart keep their order and nothing else.
    std::sort(ages.begin(), ages.end());
    ages.erase(std::unique(ages.begin(), ages.end()), ages.end());
    for (const auto& [id, message] : s_.messages) {
      const Seconds age = e_.now - message.queued;
      Seconds said = age;
      if (age > age_max_) {
        const auto first_old = std::upper_bound(ages.begin(), ages.end(), age_max_);
        said = age_max_ + Seconds{1 + (std::lower_bound(ages.begin(), ages.end(), age) - first_old)};
      }
      names_.queued.emplace(names_.messages.at(id), -said);
    }
  }

  void name_entries() {
    for (const auto& [id, entry] : s_.entries) {
      const std::uint64_t first =
          entry.recipients.empty() ? kRecipients : static_cast<std::uint64_t>(entry.recipients.front().offset);
      names_.entries.emplace(id, 1 + names_.messages.at(entry.message) * (kRecipients + 1) + first);
    }
  }

  void name_agents() {
    using Key = std::tuple<std::size_t, std::size_t, std::size_t, std::uint64_t, AgentId>;
    std::vector<Key> keys;
    for (const auto& [id, agent] : s_.agents) {
      const auto order = std::find(s_.transport_order.begin(), s_.transport_order.end(), agent.transport);
      const auto& ready = s_.transports.at(agent.transport).ready;
      const auto timer =
          std::find_if(s_.timers.begin(), s_.timers.end(), [id = id](const model::Timer& t) { return t.agent == id; });
      keys.emplace_back(static_cast<std::size_t>(order - s_.transport_order.begin()),
                        static_cast<std::size_t>(std::find(ready.begin(), ready.end(), id) - ready.begin()) +
                            (agent.answered ? 10U : 0U),
                        static_cast<std::size_t>(timer - s_.timers.begin()),
                        agent.entry ? names_.entries.at(*agent.entry) : 0, id);
    }
    std::sort(keys.begin(), keys.end());
    for (const Key& key : keys) add(names_.agents, std::get<AgentId>(key));
    // Connections that only the environment knows: none, unless a brain loses one.
    for (const auto& connection : e_.connections) add(names_.agents, connection.agent);
  }

  void name_tickets() {
    using Key = std::tuple<std::uint8_t, std::uint8_t, TicketId>;
    std::vector<Key> keys;
    for (const auto& t : e_.tickets) keys.emplace_back(t.message, t.recipient, t.ticket);
    std::sort(keys.begin(), keys.end());
    for (const Key& key : keys) add(names_.tickets, std::get<TicketId>(key));
    for (const auto& [id, ticket] : s_.tickets) add(names_.tickets, id);
  }

  const model::State& s_;
  const Environment& e_;
  Seconds age_max_;
  Names names_;
};

// Writer and Reader have the same functions, so that one walk over a situation serves both.
class Writer {
 public:
  static constexpr bool kWrites = true;
  Writer(Codec& codec, const Names& names, Seconds now, std::string& out)
      : codec_(codec), names_(names), now_(now), out_(out) {}

  template <class T>
  void number(const T& value) {
    const auto wide = static_cast<std::int64_t>(value);
    std::uint64_t rest = (static_cast<std::uint64_t>(wide) << 1U) ^ static_cast<std::uint64_t>(wide >> 63);
    for (; rest >= 0x80; rest >>= 7U) out_.push_back(static_cast<char>(rest | 0x80U));
    out_.push_back(static_cast<char>(rest));
  }
  void real(const double& value) { number(codec_.real(value)); }
  void text(const std::string& value) { number(codec_.word(value)); }
  void time(const Seconds& value) { number((value - now_).count()); }
  // What is earlier than `earliest` (relative to now) is said to be that.
  void time(const Seconds& value, Seconds earliest) { number(std::max(value - now_, earliest).count()); }
  void queued(const Seconds&, MessageId message) { number(names_.queued.at(names_.messages.at(message)).count()); }
  void stamp(const Time&) {}
  void tag(const std::int64_t& value, std::int64_t transport) { number(value == transport ? 1 : 0); }
  template <class I>
  [[nodiscard]] std::uint64_t name(I value) const {
    return names_.of<I>().at(value);
  }
  template <class I>
  void id(const I& value) {
    const auto& table = names_.of<I>();
    const auto found = table.find(value);
    number(value == I{} ? 0 : found == table.end() ? kUnknown : found->second);
  }
  template <class T, class F>
  void maybe(const std::optional<T>& value, const F& f) {
    number(value ? 1 : 0);
    if (value) f(*value);
  }
  template <class List, class F>
  void list(const List& values, const F& f) {
    number(values.size());
    for (const auto& value : values) f(value);
  }
  template <class I>
  void ids(const std::set<I>& values) {
    std::vector<std::uint64_t> sorted;
    for (const I value : values) sorted.push_back(names_.of<I>().at(value));
    std::sort(sorted.begin(), sorted.end());
    list(sorted, [this](std::uint64_t v) { number(v); });
  }
  template <class I, class T, class F>
  void table(const std::map<I, T>& values, const F& f) {
    std::vector<std::pair<std::uint64_t, const std::pair<const I, T>*>> sorted;
    for (const auto& each : values) sorted.emplace_back(names_.of<I>().at(each.first), &each);
    std::sort(sorted.begin(), sorted.end());
    number(sorted.size());
    for (const auto& [name, each] : sorted) {
      number(name);
      f(each->first, each->second);
    }
  }

 private:
  Codec& codec_;
  const Names& names_;
  Seconds now_;
  std::string& out_;
};

class Reader {
 public:
  static constexpr bool kWrites = false;
  Reader(const Codec& codec, std::string_view in) : codec_(codec), in_(in) {}

  template <class T>
  void number(T& value) {
    std::uint64_t wide = 0;
    unsigned shift = 0;
    std::uint8_t byte = 0;
    do {
      WEIR_CHECK(at_ < in_.size());
      byte = static_cast<std::uint8_t>(in_[at_++]);
      wide |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      shift += 7;
    } while ((byte & 0x80U) != 0);
    value = static_cast<T>(static_cast<std::int64_t>((wide >> 1U) ^ (~(wide & 1U) + 1)));
  }
  [[nodiscard]] std::int64_t next() {
    std::int64_t value = 0;
    number(value);
    return value;
  }
  void real(double& value) { value = codec_.real_at(static_cast<std::uint64_t>(next())); }
  void text(std::string& value) { value = codec_.word(static_cast<std::uint64_t>(next())); }
  void time(Seconds& value) { value = kStart + Seconds{next()}; }
  void time(Seconds& value, Seconds) { time(value); }
  void queued(Seconds& value, MessageId) { time(value); }
  void stamp(Time& value) { value = at_second(kStart); }
  void tag(std::int64_t& value, std::int64_t transport) { value = next() == 1 ? transport : 0; }
  template <class I>
  void id(I& value) {
    number(value.value);
  }
  template <class T, class F>
  void maybe(std::optional<T>& value, const F& f) {
    value.reset();
    if (next() == 1) f(value.emplace());
  }
  template <class List, class F>
  void list(List& values, const F& f) {
    values.clear();
    for (std::int64_t count = next(); count > 0; --count) f(values.emplace_back());
  }
  template <class I>
  void ids(std::set<I>& values) {
    values.clear();
    for (std::int64_t count = next(); count > 0; --count) values.insert(I{static_cast<std::uint64_t>(next())});
  }
  template <class I, class T, class F>
  void table(std::map<I, T>& values, const F& f) {
    values.clear();
    for (std::int64_t count = next(); count > 0; --count) {
      const I id{static_cast<std::uint64_t>(next())};
      f(id, values[id]);
    }
  }
  [[nodiscard]] bool at_end() const { return at_ == in_.size(); }

 private:
  const Codec& codec_;
  std::string_view in_;
  std::size_t at_ = 0;
};

// One walk over a situation. A: Writer with const values, or Reader.
template <class A, class S, class E>
class Walk {
 public:
  Walk(A& archive, Codec& codec, S& state, E& environment) : a(archive), codec_(codec), s(state), e(environment) {}

  void all() {
    if constexpr (!A::kWrites) restore_constants();
    walk_transports();
    a.table(s.messages, [this](MessageId id, auto& m) { this->walk_message(id, m); });
    a.table(s.jobs, [this](JobId, auto& j) { this->walk_job(j); });
    a.table(s.destinations, [this](DestinationId, auto& d) { this->walk_destination(d); });
    a.table(s.entries, [this](EntryId, auto& entry) {
      a.id(entry.message);
      a.maybe(entry.job, [this](auto& job) { a.id(job); });
      a.id(entry.destination);
      this->walk_recipients(entry.message, entry.recipients);
    });
    a.table(s.agents, [this](AgentId, auto& agent) {
      a.text(agent.transport);
      a.number(agent.answered);
      a.number(agent.failed);
      a.maybe(agent.entry, [this](auto& id) { a.id(id); });
    });
    a.table(s.tickets, [this](TicketId, auto& ticket) { this->walk_ticket(ticket); });
    walk_timers();
    walk_cycle();
    walk_environment();
  }

 private:
  void restore_constants() {
    s = {};
    s.config = codec_.config();
    s.last_event = s.steady = kStart;
    s.steady_read = kStart;
    // Above every id in use, so that new ones are new.
    s.last_message = s.last_agent = s.last_ticket = s.last_id = 1000;
    e = {};
    e.now = kStart;
  }

  void walk_transports() {
    a.list(s.transport_order, [this](auto& name) { a.text(name); });
    for (const std::string& name : s.transport_order) {
      if constexpr (A::kWrites) {
        codec_.learn(name, s.transports.at(name).config);
        walk_transport(s.transports.at(name));
      } else {
        auto& t = s.transports[name];
        t.config = codec_.transport(name);
        walk_transport(t);
      }
    }
  }

  template <class T>
  void walk_transport(T& t) {
    const auto id = [this](auto& i) { a.id(i); };
    a.number(t.pending);
    a.maybe(t.dead, [this](auto& dsn) { this->walk_dsn(dsn); });
    a.number(t.rate_locked);
    a.list(t.destinations, id);
    a.list(t.jobs, id);
    a.list(t.by_age, id);
    a.maybe(t.current, id);
    a.maybe(t.next_unread, id);
    a.number(t.pool);
    if constexpr (A::kWrites) {  // without "for whom" the answer is not used
      const std::optional<JobId> none;
      a.maybe(t.candidate_for, id);
      a.maybe(t.candidate_for ? t.candidate : none, id);
      const bool now = t.candidate_for && t.candidate && t.candidate_at == e.now;
      a.number(now ? 1 : 0);
    } else {
      a.maybe(t.candidate_for, id);
      a.maybe(t.candidate, id);
      t.candidate_at = a.next() == 1 ? s.steady : s.steady - Seconds{1};
    }
    a.list(t.ready, id);
    a.maybe(t.suspended, [this](auto& suspended) {
      a.id(suspended.job);
      a.number(suspended.first);
      a.number(suspended.second);
    });
  }

  template <class M>
  void walk_message(MessageId id, M& m) {
    a.text(m.queue_id);
    if constexpr (!A::kWrites) m.envelope = codec_.world().envelope(message_of(m.queue_id));
    a.time(m.envelope.create_time, -codec_.file_age_max());
    if constexpr (!A::kWrites) m.envelope.arrival = at_second(m.envelope.create_time);
    a.number(m.trace_flags);
    a.number(m.flush_each);
    a.number(m.lift);
    a.number(m.expire);
    a.number(m.stage);
    a.queued(m.queued, id);
    a.stamp(m.active_arrival);
    a.number(m.reading);
    this->walk_recipients(id, m.batch);
    a.number(m.more);
    a.number(m.unread);
    if constexpr (A::kWrites) {  // looked at only while there is something to read
      a.time(m.more ? m.refilled : e.now, -refill_delay_max());
    } else {
      a.time(m.refilled);
    }
    a.number(m.in_core);
    a.number(m.room);
    a.number(m.refs);
    a.number(m.disposals);
    a.number(m.single);
    a.number(m.deferred);
    a.list(m.jobs, [this](auto& job) { a.id(job); });
  }

  [[nodiscard]] Seconds refill_delay_max() const {
    Seconds most = codec_.config().default_transport.refill_delay;
    for (const auto& [name, config] : codec_.config().transports) most = std::max(most, config.refill_delay);
    return most;
  }

  template <class J>
  void walk_job(J& j) {
    a.id(j.message);
    a.text(j.transport);
    a.number(j.level);
    a.maybe(j.parent, [this](auto& id) { a.id(id); });
    a.list(j.children, [this](auto& id) { a.id(id); });
    a.tag(j.tag, s.transports.at(j.transport).tag);
    a.number(j.read);
    a.number(j.selected);
    a.number(j.avail);
    a.number(j.used);
    a.number(j.in_core);
    a.number(j.room);
    a.list(j.peers, [this](auto& peer) {
      a.id(peer.destination);
      a.list(peer.waiting, [this](auto& id) { a.id(id); });
      a.number(peer.entries);
    });
  }

  template <class D>
  void walk_destination(D& d) {
    a.text(d.transport);
    a.text(d.name);
    a.text(d.nexthop);
    a.number(d.window);
    a.real(d.success);
    a.real(d.failure);
    a.real(d.cohorts);
    a.list(d.todo, [this](auto& id) { a.id(id); });
    a.ids(d.busy);
    a.tag(d.tag, s.transports.at(d.transport).tag);
    this->walk_dsn(d.reason);
    a.number(d.cache_flags);
    a.time(d.last_done, Seconds{-2});
    a.time(d.warn_at, Seconds{0});
  }

  template <class R>
  void walk_recipients(MessageId message, R& recipients) {
    a.list(recipients, [this, message](auto& recipient) { this->walk_recipient(message, recipient); });
  }

  template <class R>
  void walk_recipient(MessageId message, R& recipient) {
    if constexpr (A::kWrites) {
      a.number(recipient.offset);
    } else {
      recipient = codec_.world().recipient(message.value - 1, static_cast<std::size_t>(a.next()));
    }
  }

  template <class D>
  void walk_dsn(D& dsn) {
    a.text(dsn.code);
    a.text(dsn.text);
  }

  template <class T>
  void walk_ticket(T& ticket) {
    a.id(ticket.message);
    a.maybe(ticket.disposal, [this, &ticket](auto& disposal) {
      a.number(disposal.kind);
      this->walk_recipient(ticket.message, disposal.recipient);
      this->walk_dsn(disposal.dsn);
      a.text(disposal.status);
      a.number(disposal.log_next);
      this->walk_requests(ticket.message, disposal.requests);
    });
  }

  // What these worlds make: a defer record, then a flush notice.
  template <class L>
  void walk_requests(MessageId message, L& requests) {
    a.list(requests, [this, message](auto& request) {
      if constexpr (A::kWrites) {
        const bool append = std::holds_alternative<AppendRequest>(request);
        WEIR_CHECK(append || std::holds_alternative<FlushAdd>(request));
        a.number(append ? 1 : 0);
        if (append) {
          this->walk_append(message, std::get<AppendRequest>(request));
        } else {
          a.text(std::get<FlushAdd>(request).site);
        }
      } else if (a.next() == 1) {
        this->walk_append(message, request.template emplace<AppendRequest>());
      } else {
        a.text(request.template emplace<FlushAdd>().site);
      }
    });
  }

  template <class R>
  void walk_append(MessageId message, R& append) {
    a.number(append.service);
    a.number(append.flags);
    this->walk_recipient(message, append.recipient);
    this->walk_dsn(append.dsn);
    a.text(append.action);
  }

  void walk_timers() {
    a.list(s.timers, [this](auto& timer) {
      this->a.time(timer.due);
      this->a.number(timer.kind);
      this->a.text(timer.transport);
      this->a.id(timer.destination);
      this->a.id(timer.agent);
      bool of_this_round = timer.serial > s.round_serial;
      this->a.number(of_this_round);
      if constexpr (!A::kWrites) timer.serial = of_this_round ? 1 : 0;
    });
    if constexpr (!A::kWrites) {  // first those of earlier rounds, each kind in the order of the list
      s.round_serial = s.timers.size();
      std::uint64_t serial = 0;
      for (auto& timer : s.timers) timer.serial = ++serial + (timer.serial != 0 ? s.round_serial : 0);
    }
  }

  void walk_cycle() {
    const auto flags = [this](auto& f) {
      a.number(f.start);
      a.number(f.all);
      a.number(f.lift);
      a.number(f.revive);
    };
    const auto scan = [this, &flags](auto& one) {
      a.number(one.open);
      if (one.open) flags(one.current);
      flags(one.next);
    };
    scan(s.incoming);
    scan(s.deferred);
    a.number(s.first);
    a.number(s.recipients);
    auto& import = s.import;
    a.number(import.active);
    a.number(import.yielded);
    a.number(import.order_due);
    if (import.active || import.order_due) a.maybe(import.last_looked, [this](auto& queue) { a.number(queue); });
    if (!import.active) return;
    a.list(import.candidates, [this](auto& queue) { a.number(queue); });
    a.number(import.began);
    a.number(import.imported_incoming);
    a.maybe(import.message, [this](auto& id) { a.id(id); });
  }

  void walk_environment() {
    for (auto& file : e.files) {
      a.number(file.place);
      a.number(file.done);
      a.number(file.bounced);
      using Place = Environment::Place;
      if (file.place == Place::later || file.place == Place::gone) continue;
      a.time(file.created, -codec_.file_age_max());
      if (file.place != Place::active) a.time(file.due, Seconds{1});  // due a second early
      if (file.place != Place::active) continue;
      a.id(file.message);
      if (codec_.world().age_stop > 0) a.time(file.since);
      a.number(file.position);
      a.number(file.settled);
    }
    for (auto& listing : e.listings) {
      a.number(listing.open);
      if (listing.open) a.list(listing.messages, [this](auto& m) { a.number(m); });
    }
    walk_connections();
    a.list(e.questions, [this](auto& question) {
      a.number(question.message);
      a.list(question.recipients, [this](auto& r) { a.number(r); });
    });
    if constexpr (A::kWrites) {
      auto tickets = e.tickets;
      std::sort(tickets.begin(), tickets.end(),
                [this](const auto& x, const auto& y) { return a.name(x.ticket) < a.name(y.ticket); });
      walk_tickets(tickets);
    } else {
      walk_tickets(e.tickets);
    }
  }

  template <class L>
  void walk_tickets(L& tickets) {
    a.list(tickets, [this](auto& t) {
      a.id(t.ticket);
      a.number(t.message);
      a.number(t.recipient);
      a.number(t.bounces);
      a.number(t.expires);
    });
  }

  void walk_connections() {
    if constexpr (A::kWrites) {
      auto connections = e.connections;
      std::sort(connections.begin(), connections.end(),
                [this](const auto& x, const auto& y) { return a.name(x.agent) < a.name(y.agent); });
      walk_connection_list(connections);
    } else {
      walk_connection_list(e.connections);
    }
  }

  template <class L>
  void walk_connection_list(L& connections) {
    a.list(connections, [this](auto& c) {
      a.id(c.agent);
      a.number(c.transport);
      a.number(c.greeted);
      a.number(c.breaks);
      a.number(c.busy);
      a.number(c.message);
      a.number(c.recipients);
      a.text(c.nexthop);
    });
  }

  A& a;
  Codec& codec_;
  S& s;
  E& e;
};

}  // namespace

// A lifetime that no world of seconds comes to is none.
constexpr Seconds kForEver{1'000'000};

Codec::Codec(const World& world, Config config) : world_(world), config_(std::move(config)) {
  for (const Seconds bound :
       {config_.minimal_backoff, config_.maximal_backoff, config_.maximal_lifetime, config_.bounce_lifetime}) {
    if (bound < kForEver) file_age_max_ = std::max(file_age_max_, bound);
  }
}

std::uint64_t Codec::word(const std::string& text) {
  const auto [place, fresh] = word_places_.try_emplace(text, words_.size());
  if (fresh) words_.push_back(text);
  return place->second;
}

std::uint64_t Codec::real(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto [place, fresh] = real_places_.try_emplace(bits, reals_.size());
  if (fresh) reals_.push_back(bits);
  return place->second;
}

std::string Codec::encode(const model::State& state, const Environment& environment) {
  const Names names = Naming(state, environment, Seconds{world_.age_max}).names();
  std::string bytes;
  bytes.reserve(512);
  Writer writer(*this, names, environment.now, bytes);
  Walk<Writer, const model::State, const Environment>(writer, *this, state, environment).all();
  return bytes;
}

void Codec::decode(std::string_view bytes, model::State& state, Environment& environment) {
  Reader reader(*this, bytes);
  Walk<Reader, model::State, Environment>(reader, *this, state, environment).all();
  WEIR_CHECK(reader.at_end());
}

}  // namespace weir::explorer
