// From recipients to entries: sorting, what the resolver's answers mean, destination names, assigning.
// Spec: spec/scheduling.md ("Recipients"), spec/services.md ("Resolver").
#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

#include "model/model.hpp"

namespace weir::model {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string text) {
  for (char& c : text) c = lower(c);
  return text;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

// The text after the last '@'; nothing when there is none.
std::optional<std::string> domain_of(const std::string& address) {
  const auto at = address.rfind('@');
  if (at == std::string::npos) return std::nullopt;
  return address.substr(at + 1);
}

std::string localpart_of(const std::string& address) { return address.substr(0, address.rfind('@')); }

// A batch is on its way from the file; it is not at the resolver yet.
bool awaits_batch(const Message& message) {
  return message.stage == Stage::active && message.reading && message.batch.empty();
}

std::string join(const Dsn& dsn) { return dsn.code + ' ' + dsn.text; }

}  // namespace

// One batch has been read. What needs no resolver is answered here; the rest is asked.
void Model::take_batch(MessageId id, Batch batch) {
  Message& message = s_.messages.at(id);
  message.reading = true;
  message.more = batch.more;
  message.unread = batch.unread;
  std::vector<Placement> sorted;
  for (Recipient& r : batch.recipients) sorted.push_back({std::move(r), std::nullopt});
  sort_placements(sorted);
  message.batch.clear();
  for (Placement& p : sorted) message.batch.push_back(std::move(p.recipient));
  if (message.batch.empty()) {
    assign_batch(id, {});
    return;
  }

  const Envelope& envelope = message.envelope;
  if (envelope.redirect) {  // one recipient takes the place of all
    message.batch.resize(1);
    if (message.more) command(DropUnread{id});
    message.more = false;
    message.unread = 0;
    command(Resolve{.message = id, .probe = false, .rewrite_first = true, .addresses = {*envelope.redirect}});
    return;
  }
  if (is_filtered(message) && !s_.config.habits.filter_after_resolver) {
    std::vector<Answer> answers;
    for (const Recipient& r : message.batch) answers.push_back(by_filter(*envelope.filter, r.address));
    assign_batch(id, answers);
    return;
  }
  //= R-GEN-06  routing is asked, not decided
  Resolve question{
      .message = id, .probe = (message.trace_flags & kTraceVerifyMta) != 0, .rewrite_first = false, .addresses = {}};
  for (const Recipient& r : message.batch) question.addresses.push_back(r.address);
  command(std::move(question));
}

// Probes go where the mail would go.
bool Model::is_filtered(const Message& message) const {
  return message.envelope.filter && (message.trace_flags & (kTraceVerifyMta | kTraceVerifyUser)) == 0;
}

// What a filter says in the place of the resolver.
Answer Model::by_filter(const std::string& filter, const std::string& address) const {
  const auto colon = filter.find(':');
  Answer answer{.transport = filter.substr(0, colon), .nexthop = "", .recipient = address, .flags = 0};
  if (colon != std::string::npos) answer.nexthop = filter.substr(colon + 1);
  if (!s_.config.habits.filter_after_resolver) {
    if (answer.nexthop.empty()) answer.nexthop = s_.config.default_filter_nexthop;  //= R-PAR-004
    if (answer.nexthop.empty()) answer.nexthop = domain_of(address).value_or("");   //= R-PAR-005
  }
  if (answer.nexthop.empty()) answer.nexthop = s_.config.myhostname;
  return answer;
}

void Model::on(const RecipientsRead& event) {
  const auto found = s_.messages.find(event.message);
  if (found == s_.messages.end() || !awaits_batch(found->second)) return;
  take_batch(event.message, event.batch);
}

void Model::on(const ReadFailed& event) {
  const auto found = s_.messages.find(event.message);
  if (found == s_.messages.end() || !awaits_batch(found->second)) return;
  Message& message = found->second;
  message.reading = false;
  if (message.refs == 0 && message.disposals == 0) {  // nothing else goes on: the file is unusable
    command(MarkCorrupt{event.message});
    forget(event.message);
  }
  // Else the refill is tried again when a choice asks for it.
}

void Model::on(const Resolved& event) {
  const auto found = s_.messages.find(event.message);
  if (found == s_.messages.end() || found->second.batch.empty()) return;
  if (event.answers.size() != found->second.batch.size()) return;  // a world's mistake; it must answer all
  assign_batch(event.message, event.answers);
}

// Answers, in first-sort order, decide where each recipient goes; destinations come into being in this order.
void Model::assign_batch(MessageId id, const std::vector<Answer>& answers) {
  std::vector<Recipient> batch = std::exchange(s_.messages.at(id).batch, {});
  std::vector<Placement> placements;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto destination = place(id, batch[i], answers[i]);
    if (destination) placements.push_back({std::move(batch[i]), destination});
  }
  sort_placements(placements);
  if (round_robin()) {
    assign_neighbours(id, placements);
  } else {
    assign(id, placements);
  }
  batch_over(id);
}

// Nothing of the batch is left to do.
void Model::batch_over(MessageId id) {
  Message& message = s_.messages.at(id);
  message.reading = false;
  if (!message.more) {
    for (const JobId job : std::vector<JobId>(message.jobs)) give_back_slots(job);
  }
  check_finished(id);
  admission_over(id, true);
}

//= R-STR-08  requests are sorted by destination
// Stable: has a destination; transport; destination name; domain ignoring case, those without one last; address,
// which round robin compares ignoring case, too.
void Model::sort_placements(std::vector<Placement>& placements) const {
  const auto key = [this](const Placement& p) {
    std::string transport;
    std::string name;
    if (p.destination) {
      const Destination& destination = s_.destinations.at(*p.destination);
      transport = destination.transport;
      name = destination.name;
    }
    const std::string& address = p.recipient.address;
    const auto domain = domain_of(address);
    return std::make_tuple(!p.destination, transport, name, !domain, lower(domain.value_or("")),
                           round_robin() ? lower(address) : address);
  };
  std::stable_sort(placements.begin(), placements.end(),
                   [&](const Placement& a, const Placement& b) { return key(a) < key(b); });
}

// The rules of spec/services.md from a resolver's answer to a destination, in order. None: the recipient has been
// disposed of.
std::optional<DestinationId> Model::place(MessageId id, Recipient& recipient, Answer answer) {
  Message& message = s_.messages.at(id);
  std::optional<Dsn> own;  // a reason to defer it that the queue manager has found itself
  const auto defer_to_retry = [&](const char* code, const char* text) {
    own = Dsn{code, text};
    answer.transport = "retry";
    answer.nexthop = join(*own);
  };

  const bool failed = (answer.flags & kResolveFail) != 0;
  const bool bad = (answer.flags & kResolveError) != 0;
  if (failed) {
    defer_to_retry("4.3.0", "address resolver failure");
    answer.flags = 0;
  } else if (bad) {
    answer.transport = "error";
    answer.nexthop = "5.1.3 bad address syntax";
    answer.flags = 0;
  } else if (is_filtered(message) && s_.config.habits.filter_after_resolver) {
    const unsigned flags = answer.flags;
    answer = by_filter(*message.envelope.filter, recipient.address);
    answer.flags = flags;
  }
  if (!failed) recipient.address = answer.recipient;  // after a failure it is a placeholder: DV-09
  if (recipient.address.empty()) {
    own.reset();
    answer.transport = "error";
    answer.nexthop = "5.1.3 null recipient address";
  }
  if (message.expire) defer_to_retry("4.7.0", "message is administratively expired");
  //= R-GEN-08  mail to the local double-bounce address is discarded
  //= R-GEN-10
  if ((answer.flags & kResolveClassLocal) != 0 && !message.expire &&
      same_ignoring_case(localpart_of(recipient.address), s_.config.double_bounce_sender)) {
    discard(id, recipient);
    return std::nullopt;
  }
  //= R-PAR-077
  const auto& waiting = s_.config.defer_transports;
  if (!message.lift && std::find(waiting.begin(), waiting.end(), answer.transport) != waiting.end()) {
    defer_to_retry("4.3.2", "deferred transport");
  }
  //= R-PAR-075
  if ((message.trace_flags & kTraceVerifyMta) != 0) {
    const auto probes = std::count_if(s_.messages.begin(), s_.messages.end(),
                                      [](const auto& m) { return (m.second.trace_flags & kTraceVerifyMta) != 0; });
    if (probes > s_.config.verify_pending_limit) defer_to_retry("4.3.2", "Too many address verification requests");
  }
  const bool defers_itself = s_.config.habits.defers_itself;
  if (own && defers_itself) {
    defer_directly(id, recipient, *own);
    return std::nullopt;
  }

  transport_of(answer.transport);
  if (message.flush_each && transport_of(answer.transport).dead) recover_transport(answer.transport);
  if (const auto dead = transport_of(answer.transport).dead) {  //= R-STR-12
    if (defers_itself || transport_of("retry").dead) {
      defer_directly(id, recipient, *dead);
      return std::nullopt;
    }
    answer.transport = "retry";
    answer.nexthop = join(*dead);
  }
  const std::string name = destination_name(answer.transport, answer.nexthop, recipient.address);
  const DestinationId destination = obtain_destination(answer.transport, name, answer.nexthop);
  if (message.flush_each && s_.destinations.at(destination).window == 0) unthrottle(destination);
  if (s_.destinations.at(destination).window != 0) return destination;

  const Dsn reason = s_.destinations.at(destination).reason;
  if (!defers_itself && !transport_of("retry").dead) {
    const DestinationId instead = obtain_destination("retry", join(reason), join(reason));
    if (s_.destinations.at(instead).window != 0) return instead;
  }
  defer_directly(id, recipient, reason);
  return std::nullopt;
}

// The next hop, but with a recipient limit of exactly 1 the mailbox at the next hop, without address extension.
std::string Model::destination_name(const std::string& transport, const std::string& nexthop,
                                    const std::string& address) const {
  const bool per_recipient =
      s_.transports.at(transport).config.recipient_limit == 1 && transport != "error" && transport != "retry";
  if (!per_recipient) return lower(nexthop);
  const std::string mailbox = localpart_of(address);
  return lower((s_.config.habits.keep_address_extension ? mailbox : without_extension(mailbox)) + '@' + nexthop);
}

std::string Model::without_extension(const std::string& localpart) const {
  const std::string& delimiters = s_.config.recipient_delimiter;
  if (delimiters.empty()) return localpart;
  for (const std::string_view whole : {std::string_view("postmaster"), std::string_view("mailer-daemon"),
                                       std::string_view(s_.config.double_bounce_sender)}) {
    if (same_ignoring_case(localpart, whole)) return localpart;
  }
  if (s_.config.owner_request_special && delimiters.find('-') != std::string::npos) {
    const std::string_view text = localpart;
    const std::string_view suffix = "-request";
    if (same_ignoring_case(text.substr(0, 6), "owner-")) return localpart;
    if (text.size() > suffix.size() && same_ignoring_case(text.substr(text.size() - suffix.size()), suffix))
      return localpart;
  }
  const auto cut = localpart.find_first_of(delimiters);
  return cut == std::string::npos || cut == 0 ? localpart : localpart.substr(0, cut);
}

// In second-sort order: into the last waiting entry of the message for that destination, or a new one.
void Model::assign(MessageId id, const std::vector<Placement>& placements) {
  std::optional<JobId> job;
  std::optional<EntryId> last;  // the entry of the recipient before
  for (const Placement& placement : placements) {
    const DestinationId destination = *placement.destination;
    const std::string& transport = s_.destinations.at(destination).transport;
    if (!job || s_.jobs.at(*job).transport != transport) job = obtain_job(id, transport);  // once per transport

    const int limit = s_.transports.at(transport).config.recipient_limit;  //= R-PAR-038
    auto& peers = s_.jobs.at(*job).peers;
    const auto peer =
        std::find_if(peers.begin(), peers.end(), [&](const Peer& p) { return p.destination == destination; });
    std::optional<EntryId> entry;
    if (peer != peers.end() && !peer->waiting.empty()) entry = peer->waiting.back();
    const Message& message = s_.messages.at(id);
    const bool full = entry && limit != 0 && s_.entries.at(*entry).recipients.size() >= static_cast<std::size_t>(limit);
    const bool stranger = s_.config.habits.neighbour_bundling && entry != last;
    if (!entry || stranger || message.single || full) entry = create_entry(id, *job, destination);
    add_recipient(*entry, placement.recipient);
    last = entry;
  }
  for (const JobId each : s_.messages.at(id).jobs) {
    const Job& j = s_.jobs.at(each);
    if (has_entries(j) && !is_blocked(j)) s_.transports.at(j.transport).candidate_for.reset();
  }
}

void Model::add_recipient(EntryId id, const Recipient& recipient) {
  Entry& entry = s_.entries.at(id);
  entry.recipients.push_back(recipient);
  if (entry.job) s_.jobs.at(*entry.job).in_core += 1;
  s_.messages.at(entry.message).in_core += 1;
  s_.recipients += 1;
}

// The next batch: as many as the message may still hold, at most 5000 (any number with late_reads).
void Model::ask_for_recipients(MessageId id) {
  Message& message = s_.messages.at(id);
  message.reading = true;
  message.refilled = read_steady();
  std::int64_t room = message.room - message.in_core;
  if (!s_.config.habits.late_reads) room = std::min<std::int64_t>(room, 5000);
  command(ReadRecipients{id, round_robin() ? batch_size() : room});
}

}  // namespace weir::model
