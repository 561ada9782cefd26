#include "blackbox/input.hpp"

#include <array>
#include <cstdio>

#include "blackbox/keywords.hpp"
#include "blackbox/words.hpp"
#include "contract/id.hpp"

namespace weir::blackbox {
namespace {

std::string octal(unsigned number) {
  std::array<char, 16> text{};
  (void)std::snprintf(text.data(), text.size(), "0%o", number);
  return text.data();
}

std::string flags_text(unsigned flags) {
  std::string text;
  for (const auto& [name, bit] : kResolverFlags) {
    if ((flags & bit) == 0) continue;
    text += (text.empty() ? "" : "+") + std::string(name);
    flags &= ~bit;
  }
  if (flags != 0 || text.empty()) text += (text.empty() ? "" : "+") + std::to_string(flags);
  return text;
}

std::string show_answer(const std::string& address, const Answer& answer) {
  std::string line = " resolve " + word(address);
  line += ' ' + option("transport", answer.transport) + ' ' + option("nexthop", answer.nexthop);
  if (answer.recipient != address) line += ' ' + option("recipient", answer.recipient);
  if (answer.flags != kResolveClassDefault) line += ' ' + option("flags", flags_text(answer.flags));
  return line;
}

struct Shower {
  std::string operator()(const Setup& s) const {
    std::string line = "setup";
    for (const std::string& each : s.transports) line += ' ' + word(each, kSetupKeywords);
    if (s.show_allocate) line += " show-allocate";
    for (const auto& [name, value] : s.parameters) line += ' ' + option(name, value);
    if (!s.absent.empty()) line += " absent";
    for (const std::string& each : s.absent) line += ' ' + word(each, kSetupKeywords);
    if (!s.arguments.empty()) line += " arguments";
    for (const std::string& each : s.arguments) line += ' ' + word(each, kSetupKeywords);
    return line;
  }
  std::string operator()(const NewMessage& m) const {
    std::string line = "message " + word(m.name) + addresses(m.recipients, kMessageKeywords);
    if (m.queue != Queue::incoming) line += ' ' + option("queue", to_string(m.queue));
    if (!m.wake) line += " unannounced";
    if (m.sender != kUsualSender) line += ' ' + option("sender", m.sender);
    if (m.create_time) line += ' ' + option("created", std::to_string(*m.create_time));
    if (m.mode != 0700) line += ' ' + option("mode", octal(m.mode));
    if (m.declared) line += ' ' + option("declared", std::to_string(*m.declared));
    for (const auto& [letter, text] : m.records) line += " record " + option(std::string(1, letter), text);
    for (const auto& [address, answer] : m.resolved) line += show_answer(address, answer);
    return line;
  }
  std::string operator()(const Slot& s) const { return "agent " + word(s.transport); }
  std::string operator()(const HangUp& h) const { return "hangup " + word(h.transport); }
  std::string operator()(const Reply& r) const {
    std::string line = "reply " + std::to_string(r.request);
    line += r.status == 0 ? " done" : r.status == -1 ? " retry" : ' ' + option("status", std::to_string(r.status));
    if (!r.mark) line += " unmarked";
    if (!r.dsn.code.empty()) line += ' ' + option("dsn", r.dsn.code);
    if (!r.dsn.text.empty()) line += ' ' + option("reason", r.dsn.text);
    if (r.raw) line += ' ' + option("raw", *r.raw);
    return line;
  }
  std::string operator()(const Crash& c) const { return "crash " + std::to_string(c.request); }
  std::string operator()(const Advance& a) const { return "advance " + std::to_string(a.seconds); }
  std::string operator()(const Jump& j) const { return "jump " + std::to_string(j.seconds); }
  std::string operator()(const TriggerInput& t) const { return "trigger " + word(t.bytes); }
  std::string operator()(const BounceLogAppears& b) const { return "bounce-log " + word(b.message); }
  std::string operator()(const Unlisten& u) const { return "unlisten " + word(u.transport); }
  std::string operator()(const Relisten& r) const { return "relisten " + word(r.transport); }
  std::string operator()(const ServiceFails& s) const { return "service-fails " + word(s.service); }
  std::string operator()(const ServiceWorks& s) const { return "service-works " + word(s.service); }
  std::string operator()(const ResolverStalls&) const { return "resolver-stalls"; }
  std::string operator()(const ResolverAnswers&) const { return "resolver-answers"; }
  std::string operator()(const Hold& h) const { return "hold " + word(h.message); }
  std::string operator()(const Release& r) const { return "release " + word(r.message); }
  std::string operator()(const FileIsCut& f) const { return "cut " + word(f.message); }
};

}  // namespace

std::string show(const Input& input) { return std::visit(Shower{}, input); }

const std::map<std::string, std::string>& base_parameters() {
  static const std::map<std::string, std::string> kBase = {{"myhostname", "mx.test.example"},
                                                           {"mydomain", "test.example"},
                                                           {"myorigin", "test.example"},
                                                           {"inet_interfaces", "127.0.0.1"},
                                                           {"inet_protocols", "ipv4"},
                                                           {"mynetworks", "127.0.0.0/8"},
                                                           {"mydestination", ""},
                                                           {"alias_maps", ""},
                                                           {"alias_database", ""},
                                                           {"compatibility_level", "3.6"},
                                                           {"hash_queue_names", "hold"},
                                                           {"in_flow_delay", "0"},
                                                           {"fast_flush_domains", ""},
                                                           {"relay_domains", ""}};
  return kBase;
}

}  // namespace weir::blackbox
