// trigger: the small byte forms around a queue manager.
//
//   at rest, Triggered{x}:        commands(engine) = commands(model)
//                                 OpenScan{q} in commands  <=>  reference(x) starts q
//   decode_master_status(x) = s   =>  encode(s) = x
//   show_trigger(x)               is printable, and at most four times as long
#include <algorithm>

#include "codec/trigger.hpp"
#include "contract/check.hpp"
#include "engine/engine.hpp"
#include "fuzz/reference/trigger.hpp"
#include "fuzz/target.hpp"
#include "model/model.hpp"

namespace weir::fuzz {
namespace {

constexpr Time kNow{Micros{1'000'000'000'000'000}};

// The event, and the answers that it asks for at once: every scan is empty.
std::vector<Command> commands_after(Brain& brain, const Event& event) {
  std::vector<Command> commands;
  brain.handle(kNow, event, commands);
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const auto* next = std::get_if<ScanNext>(&commands[i]);
    if (next == nullptr) continue;
    const ScanEnded ended{next->queue};
    brain.handle(kNow, ended, commands);
  }
  return commands;
}

// Until it waits.
std::vector<Command> start(Brain& brain) {
  std::vector<Command> commands = commands_after(brain, Started{});
  do {
    const auto more = commands_after(brain, Turn{});
    commands.insert(commands.end(), more.begin(), more.end());
  } while (brain.wants_turn());
  return commands;
}

bool opens(const std::vector<Command>& commands, Queue queue) {
  return std::any_of(commands.begin(), commands.end(), [queue](const Command& command) {
    const auto* scan = std::get_if<OpenScan>(&command);
    return scan != nullptr && scan->queue == queue;
  });
}

void check_requests(std::string_view input) {
  const std::string bytes{input.substr(0, codec::kTriggerMax)};
  const Config config;
  const auto left = model::make_model(config);
  const auto right = engine::make_engine(config);
  WEIR_CHECK(start(*left) == start(*right));
  const auto commands = commands_after(*left, Triggered{bytes});
  WEIR_CHECK(commands == commands_after(*right, Triggered{bytes}));
  WEIR_CHECK(left->snapshot() == right->snapshot());
  const auto expected = reference::scans_asked_for(bytes);
  WEIR_CHECK(opens(commands, Queue::incoming) == expected.incoming);
  WEIR_CHECK(opens(commands, Queue::deferred) == expected.deferred);
}

}  // namespace

void run(std::string_view input) {
  check_requests(input);
  if (const auto status = codec::decode_master_status(input)) WEIR_CHECK(codec::encode(*status) == input);
  const std::string shown = codec::show_trigger(input);
  WEIR_CHECK(shown.size() <= 4 * input.size());
  WEIR_CHECK(std::all_of(shown.begin(), shown.end(), [](char c) { return c > ' ' && c < '\x7f'; }));
}

}  // namespace weir::fuzz
