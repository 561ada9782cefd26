#include "blackbox/observation.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>

#include "blackbox/keywords.hpp"
#include "blackbox/words.hpp"

namespace weir::blackbox {
namespace {

using Names = std::vector<std::string>;

// Requests of the protocol that bounce, defer and trace share.
constexpr std::array<std::string_view, 6> kRequests = {"append", "flush", "warn", "verp", "one", "trace"};

std::string request_name(const std::string& service, int number) {
  if (number == 0 && service == "verify") return "update";
  if (number == 0 && service == "flush") return "add";
  const bool known = number >= 0 && static_cast<std::size_t>(number) < kRequests.size();
  return known ? std::string(kRequests[static_cast<std::size_t>(number)]) : std::to_string(number);
}

// What a request of this kind always consists of (spec/services.md).
const Names& usual_attributes(const std::string& service, int nrequest) {
  static const Names kVerify = {"request", "address", "recipient_status", "reason"};
  static const Names kFlushAdd = {"request", "site", "queue_id"};
  static const Names kAppend = {"nrequest",  "flags",     "queue_id",      "original_recipient",
                                "recipient", "offset",    "dsn_orig_rcpt", "notify_flags",
                                "status",    "diag_type", "diag_text",     "mta_type",
                                "mta_mname", "action",    "reason"};
  static const Names kFlush = {"nrequest", "flags",  "queue_name",  "queue_id", "encoding",
                               "smtputf8", "sender", "envelope_id", "ret_flags"};
  static const Names kVerp = [] {
    Names names = kFlush;
    names.push_back("verp_delimiters");
    return names;
  }();
  if (service == "verify") return kVerify;
  if (service == "flush") return kFlushAdd;
  return nrequest == 0 ? kAppend : nrequest == 3 ? kVerp : kFlush;
}

std::string joined(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

struct Shower {
  std::string operator()(const LogText& l) const { return "log " + printable(l.text); }
  std::string operator()(const Allocated& a) const { return "allocate " + word(a.transport); }
  std::string operator()(const Connected& c) const {
    return "connect " + word(c.transport) + " waiting " + std::to_string(c.waiting);
  }
  std::string operator()(const Closed& c) const { return "close " + word(c.transport); }
  std::string operator()(const Requested& r) const {
    std::string line = "request " + std::to_string(r.id) + ' ' + word(r.message) + " via " + word(r.transport);
    line += ' ' + option("nexthop", r.nexthop);
    if (r.sender != kUsualSender) line += ' ' + option("sender", r.sender);
    if (r.flags != 3) line += ' ' + option("flags", std::to_string(r.flags));
    return line + " to" + addresses(r.recipients);
  }
  std::string operator()(const Reported& r) const {
    std::string line = "report " + word(r.service) + ' ' + request_name(r.service, r.nrequest);
    if (!r.message.empty()) line += ' ' + word(r.message);
    if (r.recipient) line += ' ' + option("recipient", *r.recipient);
    if (r.status) line += ' ' + option("status", *r.status);
    if (r.reason) line += ' ' + option("reason", *r.reason);
    if (r.attributes != usual_attributes(r.service, r.nrequest))
      line += ' ' + option("attributes", joined(r.attributes));
    return line;
  }
  std::string operator()(const Moved& m) const {
    std::string line = "queue " + word(m.message) + ' ' + word(m.to);
    return m.wakeup ? line + " due " + std::to_string(*m.wakeup) : line;
  }
  std::string operator()(const Exited& e) const { return "exit " + std::to_string(e.status); }
  std::string operator()(const NothingThere& n) const { return "nothing-there " + printable(n.what); }
  std::string operator()(const Misbehaved& m) const { return "misbehaved " + printable(m.how); }
};

}  // namespace

std::string show(const Observation& observation) { return std::visit(Shower{}, observation.sight); }

std::vector<Observation> canonical(std::vector<Observation> seen) {
  const auto key = [](const Observation& each) {
    const bool ordered = std::holds_alternative<LogText>(each.sight) || std::holds_alternative<Allocated>(each.sight);
    const auto* request = std::get_if<Requested>(&each.sight);
    return std::make_tuple(each.at, each.sight.index(), request != nullptr ? request->id : 0,
                           ordered ? std::string() : show(each));
  };
  std::stable_sort(seen.begin(), seen.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return seen;
}

}  // namespace weir::blackbox
