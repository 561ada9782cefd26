#include "model/explorer/fault.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace weir::explorer {
namespace {

using model::State;
using Commands = std::vector<Command>;

std::vector<Fault> all_faults() {
  return {
      {.name = "active-limit",
       .about = "one message too many is let in",
       .world = "small",
       .check = "law",
       .config = [](Config& c) { c.active_limit += 1; },
       .meddle = {}},
      {.name = "concurrency-limit",
       .about = "one delivery too many to a destination",
       .world = "intake",
       .check = "law",
       .config = [](Config& c) { c.default_transport.concurrency_limit = c.default_transport.initial_concurrency = 3; },
       .meddle = {}},
      {.name = "recipient-limit",
       .about = "one recipient too many in a delivery",
       .world = "intake",
       .check = "law",
       .config = [](Config& c) { c.default_transport.recipient_limit = 3; },
       .meddle = {}},
      {.name = "backoff",
       .about = "deferred mail is tried again too early",
       .world = "intake",
       .check = "law",
       .config = [](Config& c) { c.minimal_backoff -= Seconds{2}; },
       .meddle = {}},
      {.name = "lost-recipient",
       .about = "the first recipient of a delivery of several is left out",
       .world = "intake",
       .check = "law",
       .config = {},
       .meddle =
           [](const Event&, State&, Commands& out) {
             for (Command& command : out) {
               auto* deliver = std::get_if<Deliver>(&command);
               if (deliver != nullptr && deliver->recipients.size() > 1) {
                 deliver->recipients.erase(deliver->recipients.begin());
               }
             }
           }},
      {.name = "miscount",
       .about = "a recipient stays counted when it has gone",
       .world = "small",
       .check = "invariant",
       .config = {},
       .meddle =
           [](const Event& event, State& state, Commands&) {
             if (std::holds_alternative<Delivered>(event)) state.recipients += 1;
           }},
      {.name = "never-rests",
       .about = "another turn is asked for although nothing is left to look at",
       .world = "small",
       .check = "rest",
       .config = {},
       .meddle =
           [](const Event& event, State& state, Commands&) {
             if (std::holds_alternative<Turn>(event) && !state.import.active) state.import.yielded = true;
           }},
      {.name = "lost-connection",
       .about = "a connection that failed counts as pending for ever",
       .world = "small",
       .check = "deadlock",
       .config = {},
       .meddle =
           [](const Event& event, State& state, Commands&) {
             const auto t1 = state.transports.find("t1");
             if (std::holds_alternative<AgentFailed>(event) && t1 != state.transports.end()) t1->second.pending += 1;
           }},
      {.name = "never-unblocked",
       .about = "a job that found itself blocked stays so",
       .world = "intake",
       .check = "starvation",
       .config = {},
       .meddle =
           [](const Event&, State& state, Commands&) {
             for (auto& [name, t] : state.transports) {
               for (auto& [id, job] : state.jobs) {
                 const bool was = job.transport == name && job.tag != 0 && job.tag != t.tag;
                 if (was) job.tag = t.tag;
               }
             }
           }},
  };
}

}  // namespace

const std::vector<Fault>& faults() {
  static const std::vector<Fault> kFaults = all_faults();
  return kFaults;
}

const Fault* find_fault(std::string_view name) {
  const auto found = std::find_if(faults().begin(), faults().end(), [&](const Fault& f) { return f.name == name; });
  return found == faults().end() ? nullptr : &*found;
}

Config brain_config(const World& world, const Fault* fault) {
  Config config = world.config;
  if (fault != nullptr && fault->config) fault->config(config);
  return config;
}

}  // namespace weir::explorer
