// From a batch of recipients to entries: sorting, what the answers mean, destination names, assigning.
// Spec: spec/scheduling.md ("Recipients"), spec/services.md ("Resolver").
#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/engine.hpp"

namespace weir::engine {
namespace {

char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

void fold(std::string& text) {
  for (char& c : text) c = fold(c);
}

bool equal_folded(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (fold(a[i]) != fold(b[i])) return false;
  }
  return true;
}

int compare_folded(std::string_view a, std::string_view b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const auto x = static_cast<unsigned char>(fold(a[i]));
    const auto y = static_cast<unsigned char>(fold(b[i]));
    if (x != y) return x < y ? -1 : 1;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

std::string_view domain_part(std::string_view address) {
  const auto at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view{} : address.substr(at + 1);
}

std::string_view local_part(std::string_view address) { return address.substr(0, address.rfind('@')); }

}  // namespace

// --- reading -----------------------------------------------------------------------------------------

void Engine::take_batch(Ref<Message> m, const Batch& batch) {
  Message& message = messages_[m];
  message.more = batch.more;
  message.unread = batch.unread;
  did_change_message(m);
  keys_.resize(std::max(keys_.size(), batch.recipients.size()));
  const std::size_t count = batch.recipients.size();
  for (std::size_t i = 0; i < count; ++i) make_key(keys_[i], batch.recipients[i], {}, i);
  std::sort(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(count),
            [this](const SortKey& a, const SortKey& b) { return key_less(a, b); });
  message.batch.clear();
  message.batch.reserve(count);
  for (std::size_t i = 0; i < count; ++i) message.batch.push_back(batch.recipients[keys_[i].index]);
  asked_ += static_cast<std::int64_t>(count);
  if (count == 0) {
    assign_batch(m, {});
    return;
  }
  if (message.rare && message.rare->redirect) {
    message.batch.resize(1);
    asked_ -= static_cast<std::int64_t>(count) - 1;
    if (message.more) command(DropUnread{message.id});
    message.more = false;
    message.unread = 0;
    did_change_message(m);
    command(
        Resolve{.message = message.id, .probe = false, .rewrite_first = true, .addresses = {*message.rare->redirect}});
    return;
  }
  if (const std::string* filter = filter_of(message); filter != nullptr && !config_.habits.filter_after_resolver) {
    std::vector<Answer> answers;
    answers.reserve(count);
    for (const Recipient& r : message.batch) answers.push_back(by_filter(*filter, r.address));
    assign_batch(m, answers);
    return;
  }
  mark(Rule::gen_06);  //= R-GEN-06
  Resolve question{.message = message.id,
                   .probe = (message.trace_flags & kTraceVerifyMta) != 0,
                   .rewrite_first = false,
                   .addresses = {}};
  question.addresses.reserve(count);
  for (const Recipient& r : message.batch) question.addresses.push_back(r.address);
  command(std::move(question));
}

// Nothing for probes, which go where the mail would go.
const std::string* Engine::filter_of(const Message& message) const {
  const bool probe = (message.trace_flags & (kTraceVerifyMta | kTraceVerifyUser)) != 0;
  return message.rare && message.rare->filter && !probe ? &*message.rare->filter : nullptr;
}

Answer Engine::by_filter(const std::string& filter, const std::string& address) {
  const auto colon = filter.find(':');
  Answer answer{.transport = filter.substr(0, colon), .nexthop = "", .recipient = address, .flags = 0};
  if (colon != std::string::npos) answer.nexthop = filter.substr(colon + 1);
  const bool takes_my_name = config_.habits.filter_after_resolver;
  if (answer.nexthop.empty() && !takes_my_name) {
    mark(Rule::par_004);
    answer.nexthop = config_.default_filter_nexthop;  //= R-PAR-004
  }
  if (answer.nexthop.empty() && !takes_my_name) {
    mark(Rule::par_005);
    answer.nexthop = domain_part(address);  //= R-PAR-005
  }
  if (answer.nexthop.empty()) answer.nexthop = config_.myhostname;
  return answer;
}

void Engine::on(const RecipientsRead& event) {
  const Ref<Message> m = find_message(event.message);
  if (!m) return;
  const Message& message = messages_[m];
  if (message.stage != Stage::active || !message.reading || !message.batch.empty()) return;
  take_batch(m, event.batch);
}

void Engine::on(const ReadFailed& event) {
  const Ref<Message> m = find_message(event.message);
  if (!m) return;
  Message& message = messages_[m];
  if (message.stage != Stage::active || !message.reading || !message.batch.empty()) return;
  end_reading(m);
  if (message.refs == 0 && message.disposals == 0) {
    command(MarkCorrupt{event.message});
    forget(m);
  }
}

void Engine::on(const Resolved& event) {
  const Ref<Message> m = find_message(event.message);
  if (!m || messages_[m].batch.empty() || messages_[m].batch.size() != event.answers.size()) return;
  assign_batch(m, event.answers);
}

void Engine::ask_for_recipients(Ref<Message> m) {
  begin_reading(m);
  Message& message = messages_[m];
  message.refilled = read_age();
  const std::int64_t room = message.room - message.in_core;
  command(ReadRecipients{message.id, round_robin_ ? batch_size() : at_once(room)});
}

// Of a job's slots.
std::int64_t Engine::at_once(std::int64_t room) const {
  return config_.habits.late_reads ? room : std::min<std::int64_t>(room, 5000);
}

// --- sorting -----------------------------------------------------------------------------------------

void Engine::make_key(SortKey& key, const Recipient& recipient, Ref<Destination> destination, std::size_t index) const {
  key.destination = destination;
  key.domain = domain_part(recipient.address);
  fold(key.domain);
  key.has_domain = recipient.address.find('@') != std::string::npos;
  key.address = &recipient.address;
  key.index = static_cast<std::uint32_t>(index);
}

//= R-STR-08
bool Engine::key_less(const SortKey& a, const SortKey& b) const {
  if (a.destination != b.destination) {  // never one without: those are disposed of
    const Destination& x = destinations_[a.destination];
    const Destination& y = destinations_[b.destination];
    if (x.transport != y.transport) return x.transport->name < y.transport->name;
    return x.name < y.name;
  }
  if (a.has_domain != b.has_domain) return a.has_domain;
  if (const int order = a.domain.compare(b.domain); order != 0) return order < 0;
  const int order = round_robin_ ? compare_folded(*a.address, *b.address) : a.address->compare(*b.address);
  if (order != 0) return order < 0;
  return a.index < b.index;
}

// --- placing -----------------------------------------------------------------------------------------

void Engine::assign_batch(Ref<Message> m, const std::vector<Answer>& answers) {
  std::vector<Recipient> batch = std::exchange(messages_[m].batch, {});
  asked_ -= static_cast<std::int64_t>(batch.size());
  keys_.resize(std::max(keys_.size(), batch.size()));
  std::size_t count = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Answer answer = answers[i];
    const Ref<Destination> destination = place(m, batch[i], answer);
    if (destination) make_key(keys_[count++], batch[i], destination, i);
  }
  if (count > 1) mark(Rule::str_08);
  std::sort(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(count),
            [this](const SortKey& a, const SortKey& b) { return key_less(a, b); });
  placements_.clear();
  for (std::size_t i = 0; i < count; ++i) placements_.push_back({&batch[keys_[i].index], keys_[i].destination});
  if (round_robin_) {
    assign_neighbours(m, placements_);
  } else {
    assign(m, placements_);
  }
  batch_over(m);
}

void Engine::batch_over(Ref<Message> m) {
  end_reading(m);
  Message& message = messages_[m];
  const MessageId id = message.id;
  if (!message.more) {
    for (Ref<Job> j = message.first_job; j; j = jobs_[j].next_of_message) give_back_slots(j);
  }
  check_finished(m);
  admission_over(id, true);
}

// From an answer to a destination, by the rules in their order. None: the recipient has been disposed of.
Ref<Destination> Engine::place(Ref<Message> m, Recipient& recipient, Answer& answer) {
  const Message& message = messages_[m];
  const bool itself = config_.habits.defers_itself;
  const char* own = nullptr;  // the engine's own reason to defer it: code, blank, text
  const auto retry_with = [&](const char* reason) {
    own = reason;
    answer.transport = "retry";
    answer.nexthop = reason;
  };
  bool local = (answer.flags & kResolveClassLocal) != 0;
  if ((answer.flags & kResolveFail) != 0) {
    retry_with("4.3.0 address resolver failure");
    local = false;
  } else {
    const std::string* filter = config_.habits.filter_after_resolver ? filter_of(message) : nullptr;
    if (filter != nullptr && (answer.flags & kResolveError) == 0) {
      const unsigned flags = answer.flags;
      answer = by_filter(*filter, recipient.address);
      answer.flags = flags;
    }
    if ((answer.flags & kResolveError) != 0) {
      answer.transport = "error";
      answer.nexthop = "5.1.3 bad address syntax";
      local = false;
    }
    recipient.address = answer.recipient;
  }
  if (recipient.address.empty()) {
    own = nullptr;
    answer.transport = "error";
    answer.nexthop = "5.1.3 null recipient address";
  }
  if (message.expire) retry_with("4.7.0 message is administratively expired");
  if (local && !message.expire && equal_folded(local_part(recipient.address), config_.double_bounce_sender)) {
    discard(m, recipient);
    return {};
  }
  const auto& waiting = config_.defer_transports;
  if (!message.lift && std::find(waiting.begin(), waiting.end(), answer.transport) != waiting.end()) {
    mark(Rule::par_077);  //= R-PAR-077
    retry_with("4.3.2 deferred transport");
  }
  if ((message.trace_flags & kTraceVerifyMta) != 0 &&
      static_cast<std::int64_t>(probes_) > config_.verify_pending_limit) {
    mark(Rule::par_075);  //= R-PAR-075
    retry_with("4.3.2 Too many address verification requests");
  }
  if (own != nullptr && itself) {
    const std::string_view reason = own;
    const auto blank = reason.find(' ');
    defer_directly(m, recipient, {std::string(reason.substr(0, blank)), std::string(reason.substr(blank + 1))});
    return {};
  }

  Transport* t = &transport_of(answer.transport);
  if (message.flush_each && t->dead) recover_transport(*t);
  if (t->dead) {
    mark(Rule::str_12);  //= R-STR-12
    const Dsn reason = *t->dead;
    if (!itself) t = &retry_transport();
    if (t->dead) {
      defer_directly(m, recipient, reason);
      return {};
    }
    answer.nexthop = reason.code + ' ' + reason.text;
  }
  const Ref<Destination> d =
      obtain_destination(*t, destination_name(*t, answer.nexthop, recipient.address), answer.nexthop);
  if (message.flush_each && destinations_[d].window == 0) unthrottle(d);
  if (destinations_[d].window != 0) return d;

  const Dsn reason = *destinations_[d].reason;
  if (!itself && !retry_transport().dead) {
    const std::string name = reason.code + ' ' + reason.text;
    const Ref<Destination> instead = obtain_destination(retry_transport(), name, name);
    if (destinations_[instead].window != 0) return instead;
  }
  defer_directly(m, recipient, reason);
  return {};
}

std::string Engine::destination_name(const Transport& t, const std::string& nexthop, const std::string& address) const {
  std::string name = nexthop;
  if (t.config.recipient_limit == 1 && t.takes_feedback_lines) {
    name = local_part(address);
    if (!config_.habits.keep_address_extension) name = without_extension(std::move(name));
    name += '@';
    name += nexthop;
  }
  fold(name);
  return name;
}

std::string Engine::without_extension(std::string localpart) const {
  const std::string& delimiters = config_.recipient_delimiter;
  if (delimiters.empty()) return localpart;
  if (equal_folded(localpart, "postmaster") || equal_folded(localpart, "mailer-daemon") ||
      equal_folded(localpart, config_.double_bounce_sender)) {
    return localpart;
  }
  if (config_.owner_request_special && delimiters.find('-') != std::string::npos) {
    const std::string_view text = localpart;
    constexpr std::string_view kRequest = "-request";
    if (equal_folded(text.substr(0, 6), "owner-")) return localpart;
    if (text.size() > kRequest.size() && equal_folded(text.substr(text.size() - kRequest.size()), kRequest)) {
      return localpart;
    }
  }
  const auto cut = localpart.find_first_of(delimiters);
  if (cut != std::string::npos && cut > 0) localpart.resize(cut);
  return localpart;
}

// --- assigning ---------------------------------------------------------------------------------------

// Into the last waiting entry of the message for that destination, or a new one; a run for one destination is taken
// at once.
void Engine::assign(Ref<Message> m, const std::vector<Placement>& placements) {
  Message& message = messages_[m];
  Transport* t = nullptr;
  Ref<Job> j;
  Ref<Entry> last;  // of the run before
  for (std::size_t i = 0; i < placements.size();) {
    const Ref<Destination> d = placements[i].destination;
    if (destinations_[d].transport != t) {
      t = destinations_[d].transport;
      j = obtain_job(m, *t);
    }
    Ref<Peer> p = find_peer(jobs_[j], d);
    Ref<Entry> e = p ? peers_[p].waiting.back() : Ref<Entry>{};
    if (e != last && config_.habits.neighbour_bundling) e = {};
    std::size_t room = placements.size();
    if (message.single) {
      room = 1;
      e = {};
    } else if (t->config.recipient_limit != 0) {
      mark(Rule::par_038);  //= R-PAR-038
      room = static_cast<std::size_t>(t->config.recipient_limit);
      if (e && entries_[e].recipients.count() >= room) e = {};
      if (e) room -= entries_[e].recipients.count();
    }
    if (!e) {
      if (!p) p = obtain_peer(j, d);
      e = create_entry(m, j, p);
    }
    last = e;
    chunk_.clear();
    for (; i < placements.size() && placements[i].destination == d && chunk_.size() < room; ++i) {
      chunk_.push_back(std::move(*placements[i].recipient));
    }
    entries_[e].recipients.append(texts_, chunk_.data(), chunk_.data() + chunk_.size());
    const auto added = static_cast<std::uint32_t>(chunk_.size());
    jobs_[j].in_core += added;
    message.in_core += added;
    recipients_ += added;
  }
  for (j = message.first_job; j; j = jobs_[j].next_of_message) {
    if (jobs_[j].has_entries() && !is_blocked(jobs_[j])) jobs_[j].transport->candidate_for = {};
  }
  did_change_message(m);
}

}  // namespace weir::engine
