#include "trace/pseudonyms.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir::trace {
namespace {

char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string folded(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return fold(c); });
  return text;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return fold(x) == fold(y); });
}

// Sixteen letters, in the order of the numbers, the same in both cases. No letter is an 'a': see case_mark().
std::string letters(std::uint64_t rank) {
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += static_cast<char>('b' + ((rank >> shift) & 15U));
  return text;
}

// Sixty-four letters, in the order of the numbers, and all the same when case is ignored: what comes after them
// decides then.
constexpr std::size_t kMarkSize = 64;
std::string case_mark(std::uint64_t rank) {
  std::string text;
  for (int bit = 63; bit >= 0; --bit) text += ((rank >> bit) & 1U) != 0 ? 'a' : 'A';
  return text;
}
const std::string& folded_mark() {
  static const std::string kMark(kMarkSize, 'a');
  return kMark;
}

// Reason texts of a brain's own stay, since it says them by itself: those that can stand alone, and the words that it
// puts before an agent's. In order, ignoring case; none begins with another.
constexpr std::string_view kSuspended = "delivery temporarily suspended: ";
constexpr std::string_view kAboveSuspended = "delivery temporarily suspended:!";  // and above all that begins with it
constexpr auto kOwnReasons = std::to_array<std::string_view>(
    {"address resolver failure", "bad address syntax", "deferred transport", kAboveSuspended,
     "mail transport unavailable", "message is administratively expired", "null recipient address",
     "too many address verification requests", "transport is unavailable",
     "undeliverable postmaster notification discarded", "unknown error", "unknown mail transport error"});
constexpr std::string_view kTraceFailed = ": trace service failed";  // after a queue id; no destination's reason

bool is_own_reason(std::string_view text) {
  if (text.size() > kTraceFailed.size() && text.substr(text.size() - kTraceFailed.size()) == kTraceFailed) {
    const std::string_view id = text.substr(0, text.size() - kTraceFailed.size());
    return std::all_of(id.begin(), id.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (fold(c) >= 'a' && fold(c) <= 'z'); });
  }
  return std::any_of(kOwnReasons.begin(), kOwnReasons.end(),
                     [&](std::string_view own) { return same_ignoring_case(own, text); });
}

// As large as an entry of a map is, beside its text.
constexpr std::size_t kEntryBytes = 96;

}  // namespace

// Halfway between the neighbours; but a run of strings in rising or falling order keeps close to the one before, for
// each halving costs one of 64.
std::optional<std::uint64_t> Ranks::rank(const std::string& text) {
  const auto above = ranks_.lower_bound(text);
  if (above != ranks_.end() && above->first == text) return above->second;
  const std::uint64_t low = above == ranks_.begin() ? 0 : std::prev(above)->second;
  const std::uint64_t high = above == ranks_.end() ? std::numeric_limits<std::uint64_t>::max() : above->second;
  const std::uint64_t gap = high - low;
  if (gap < 2) return std::nullopt;
  const std::uint64_t step = std::max<std::uint64_t>(1, gap >> 10);
  std::uint64_t rank = low + gap / 2;
  if (newest_ && *newest_ == low) rank = low + step;
  if (newest_ && *newest_ == high) rank = high - step;
  ranks_.emplace_hint(above, text, rank);
  newest_ = rank;
  return rank;
}

Pseudonyms::Pseudonyms(const Config& config)
    : delimiters_(config.recipient_delimiter),
      double_bounce_(config.double_bounce_sender),
      owner_request_special_(config.owner_request_special) {
  const auto by_mailbox = [](const TransportConfig& t) { return t.recipient_limit == 1; };
  names_mailboxes_ =
      by_mailbox(config.default_transport) || std::any_of(config.transports.begin(), config.transports.end(),
                                                          [&](const auto& t) { return by_mailbox(t.second); });
  sorts_folded_ = config.scheduler == Scheduler::round_robin;
  if (config.habits.keep_address_extension || (sorts_folded_ && !names_mailboxes_)) delimiters_.clear();
  const std::string first = double_bounce_.substr(0, double_bounce_.find('@'));
  hidden_double_bounce_ =
      folded_mark() + letters(rank(mailboxes_, folded(first) + '@')) + folded(double_bounce_.substr(first.size()));
}

std::uint64_t Pseudonyms::rank(Ranks& ranks, const std::string& text) {
  const std::size_t before = ranks.size();
  const std::optional<std::uint64_t> found = ranks.rank(text);
  if (ranks.size() > before) bytes_ += text.size() + kEntryBytes;
  if (!found) good_ = false;
  return found.value_or(0);
}

// The mark carries the order of addresses with case; the rest the order without it.
std::string Pseudonyms::address(const std::string& address) {
  if (address.empty()) return address;
  const auto at = address.rfind('@');
  const std::string domain = at == std::string::npos ? "" : address.substr(at + 1);
  Ranks& ranks = addresses_[at == std::string::npos ? "" : '@' + folded(domain)];
  const bool alone = at == std::string::npos;
  std::string out = localpart(address.substr(0, at), case_mark(rank(ranks, address)), alone);
  if (at != std::string::npos) out += '@' + nexthop(domain);
  return out;
}

// A destination is named after the mailbox at the next hop when deliveries have one recipient each: up to the first
// '@' it is hidden, what follows is compared with next hops and stays.
std::string Pseudonyms::localpart(const std::string& localpart, const std::string& mark, bool alone) {
  const std::string base = without_extension(localpart, double_bounce_);
  const std::string first = base.substr(0, base.find('@'));
  // Where names are sorted folded, one without a domain is not followed by '@'.
  const bool ends_here = sorts_folded_ && alone && first.size() == base.size();
  const std::string place = ends_here ? folded(first) : folded(first) + '@';
  const std::string mailbox = mark + letters(rank(mailboxes_, place)) + base.substr(first.size());
  std::string out = mailbox;
  if (base.size() < localpart.size()) out += localpart[base.size()];
  if (without_extension(out, hidden_double_bounce_) != mailbox) good_ = false;
  if (sorts_folded_ && names_mailboxes_ && (base.size() < localpart.size() || alone)) good_ = false;
  return out;
}

// The model's rule, GEN-08.
std::string Pseudonyms::without_extension(const std::string& localpart, const std::string& double_bounce) const {
  if (delimiters_.empty()) return localpart;
  if (same_ignoring_case(localpart, "postmaster") || same_ignoring_case(localpart, "mailer-daemon") ||
      same_ignoring_case(localpart, double_bounce)) {
    return localpart;
  }
  if (owner_request_special_ && delimiters_.find('-') != std::string::npos) {
    const std::string text = folded(localpart);
    constexpr std::string_view kRequest = "-request";
    if (text.compare(0, 6, "owner-") == 0) return localpart;
    if (text.size() > kRequest.size() && text.compare(text.size() - kRequest.size(), kRequest.size(), kRequest) == 0) {
      return localpart;
    }
  }
  const auto cut = localpart.find_first_of(delimiters_);
  return cut == std::string::npos || cut == 0 ? localpart : localpart.substr(0, cut);
}

// Also a reason as a brain makes it a next hop of the retry service, code and text: the text is hidden.
std::string Pseudonyms::nexthop(const std::string& nexthop) {
  const auto blank = nexthop.find(' ');
  if (blank == std::string::npos) return nexthop;
  return nexthop.substr(0, blank + 1) + reason(nexthop.substr(blank + 1));
}

std::string Pseudonyms::reason(const std::string& text) {
  if (text.empty() || is_own_reason(text)) return text;
  if (text.size() >= kSuspended.size() && same_ignoring_case(text.substr(0, kSuspended.size()), kSuspended)) {
    return text.substr(0, kSuspended.size()) + reason(text.substr(kSuspended.size()));
  }
  const std::string key = folded(text);
  const auto above = std::upper_bound(kOwnReasons.begin(), kOwnReasons.end(), std::string_view{key});
  const std::string_view below = above == kOwnReasons.begin() ? std::string_view{} : *std::prev(above);
  return std::string{below} + '#' + letters(rank(reasons_, key));
}

std::string Pseudonyms::opaque(const std::string& text) {
  if (text.empty()) return text;
  const auto [found, fresh] = opaque_.emplace(text, opaque_.size() + 1);
  if (fresh) bytes_ += text.size() + kEntryBytes;
  return '~' + std::to_string(found->second);
}

// The name that a brain gave to a destination: MAILBOX@NEXTHOP, or a next hop, in small letters.
std::string Pseudonyms::destination(const std::string& name) {
  const auto first = name.find('@');
  if (first == std::string::npos || !mailboxes_.knows(name.substr(0, first + 1))) return nexthop(name);
  const auto last = name.rfind('@');
  return folded_mark() + letters(rank(mailboxes_, name.substr(0, first + 1))) + name.substr(first, last - first + 1) +
         nexthop(name.substr(last + 1));
}

// Goes over values and replaces in them what is to be hidden. Each type says so here; a new one does not compile
// before it does.
class Hide {
 public:
  explicit Hide(Pseudonyms& by) : by_(by) {}

  template <class... T>
  void in(std::variant<T...>& value) {
    std::visit([this](auto& each) { this->in(each); }, value);
  }

  // Nothing personal in them.
  template <class T>
  static constexpr bool kPlain =
      std::is_same_v<T, Started> || std::is_same_v<T, Turn> || std::is_same_v<T, Tick> ||
      std::is_same_v<T, Triggered> || std::is_same_v<T, ScanEntry> || std::is_same_v<T, ScanEnded> ||
      std::is_same_v<T, AdmitFailed> || std::is_same_v<T, ReadFailed> || std::is_same_v<T, AgentReady> ||
      std::is_same_v<T, AgentFailed> || std::is_same_v<T, BounceLogChecked> || std::is_same_v<T, FileChecked> ||
      std::is_same_v<T, ServiceAnswered> || std::is_same_v<T, RecoverActive> || std::is_same_v<T, OpenScan> ||
      std::is_same_v<T, ScanNext> || std::is_same_v<T, Admit> || std::is_same_v<T, ReadRecipients> ||
      std::is_same_v<T, DropUnread> || std::is_same_v<T, RemoveDeferLog> || std::is_same_v<T, CheckBounceLog> ||
      std::is_same_v<T, RemoveBounceLog> || std::is_same_v<T, CheckFile> || std::is_same_v<T, MarkDone> ||
      std::is_same_v<T, KillTrace> || std::is_same_v<T, UpdateWarn> || std::is_same_v<T, Retry> ||
      std::is_same_v<T, CoolDown> || std::is_same_v<T, Remove> || std::is_same_v<T, MarkCorrupt> ||
      std::is_same_v<T, Forget> || std::is_same_v<T, RequestAgent> || std::is_same_v<T, ReleaseAgent> ||
      std::is_same_v<T, BalanceFlow> || std::is_same_v<T, ReportRequest> || std::is_same_v<T, LogStillBeingDelivered> ||
      std::is_same_v<T, LogReportFailed> || std::is_same_v<T, LogServiceFailure> || std::is_same_v<T, LogIgnoredDsn> ||
      std::is_same_v<T, LogIgnoredFeedback> || std::is_same_v<T, LogFeedbackSetting> ||
      std::is_same_v<T, LogFeedbackStep> || std::is_same_v<T, LogTimeJump> || std::is_same_v<T, LogAllocate> ||
      std::is_same_v<T, LogTransportFailure>;
  template <class T>
  requires kPlain<T>
  void in(T&) {}

  void in(Recipient& r) {
    address(r.address);
    address(r.original);
    opaque(r.dsn_orcpt);
  }
  void in(std::vector<Recipient>& all) {
    for (Recipient& each : all) in(each);
  }
  void in(Dsn& dsn) { dsn.text = by_.reason(dsn.text); }
  void in(Envelope& e) {
    opaque(e.sender);
    opaque(e.envelope_id);
    for (std::string* text : {&e.client.name, &e.client.address, &e.client.port, &e.client.protocol, &e.client.helo,
                              &e.sasl_method, &e.sasl_username, &e.sasl_sender, &e.log_ident}) {
      opaque(*text);
    }
    if (e.filter) {
      const auto colon = e.filter->find(':');
      if (colon != std::string::npos)
        e.filter = e.filter->substr(0, colon + 1) + by_.nexthop(e.filter->substr(colon + 1));
    }
    if (e.redirect) address(*e.redirect);
  }

  void in(Admitted& e) {
    in(e.envelope);
    in(e.batch.recipients);
  }
  void in(RecipientsRead& e) { in(e.batch.recipients); }
  void in(Resolved& e) {
    for (Answer& each : e.answers) {
      nexthop(each.nexthop);
      address(each.recipient);
    }
  }
  void in(Delivered& e) { in(e.dsn); }

  void in(Resolve& c) {
    for (std::string& each : c.addresses) address(each);
  }
  void in(Deliver& c) {
    nexthop(c.nexthop);
    in(c.recipients);
  }
  void in(AskService& c) { in(c.request); }
  void in(AppendRequest& r) {
    in(r.recipient);
    in(r.dsn);
  }
  void in(VerifyUpdate& r) {
    address(r.address);
    r.reason = by_.reason(r.reason);
  }
  void in(FlushAdd& r) { nexthop(r.site); }  // a domain

  void in(Log& c) { in(c.record); }
  void in(LogExpired& r) { opaque(r.sender); }
  void in(LogDelivery& r) {
    in(r.recipient);
    in(r.dsn);
  }
  void in(LogFeedbackState& r) { r.destination = by_.destination(r.destination); }
  void in(LogClogged& r) { nexthop(r.nexthop); }

 private:
  void address(std::string& text) { text = by_.address(text); }
  void nexthop(std::string& text) { text = by_.nexthop(text); }
  void opaque(std::string& text) { text = by_.opaque(text); }

  Pseudonyms& by_;
};

Config Pseudonyms::hidden(Config config) {
  config.double_bounce_sender = hidden_double_bounce_;
  config.default_filter_nexthop = nexthop(config.default_filter_nexthop);
  return config;
}

Event Pseudonyms::hidden(Event event) {
  Hide(*this).in(event);
  return event;
}

Command Pseudonyms::hidden(Command command) {
  Hide(*this).in(command);
  return command;
}

}  // namespace weir::trace
