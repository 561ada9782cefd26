#include "sim/lockstep.hpp"

#include <algorithm>
#include <utility>

#include "contract/show.hpp"

namespace weir::sim {
namespace {

std::string show_wishes(const Brain& brain) {
  const std::optional<Seconds> deadline = brain.next_deadline();
  return "deadline " + (deadline ? std::to_string(deadline->count()) : "none") +
         (brain.wants_tick() ? ", a tick" : "") + (brain.wants_turn() ? ", a turn" : "");
}

// Where two lines of JSON begin to differ, with what stands around.
std::string around_difference(const std::string& left, const std::string& right) {
  const auto split = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
  const auto at = static_cast<std::size_t>(split.first - left.begin());
  const std::size_t begin = at < 160 ? 0 : at - 160;
  return "  left:  ..." + left.substr(begin, 320) + "\n  right: ..." + right.substr(begin, 320) + '\n';
}

}  // namespace

LockStep::LockStep(std::unique_ptr<InspectableBrain> left, std::unique_ptr<InspectableBrain> right,
                   Comparison& comparison)
    : left_(std::move(left)), right_(std::move(right)), comparison_(comparison) {}

LockStep::~LockStep() {
  if (comparison_.at_end) comparison_.at_end(*right_);
}

void LockStep::handle(Time now, const Event& event, std::vector<Command>& out) {
  const auto before = static_cast<std::ptrdiff_t>(out.size());
  left_->handle(now, event, out);
  if (!comparison_.agrees()) return;
  comparison_.events += 1;
  commands_.clear();
  right_->handle(now, event, commands_);
  const bool same_commands = std::equal(out.begin() + before, out.end(), commands_.begin(), commands_.end());
  const bool same_wishes = left_->next_deadline() == right_->next_deadline() &&
                           left_->wants_tick() == right_->wants_tick() && left_->wants_turn() == right_->wants_turn();
  if (same_commands && same_wishes) return;

  const auto split = std::mismatch(out.begin() + before, out.end(), commands_.begin(), commands_.end());
  std::string what;
  if (!same_commands) {
    const auto place = split.second - commands_.begin();
    what += "command " + std::to_string(place + 1) + " differs\n";
    what += "  left:  " + (split.first == out.end() ? std::string("none") : show(*split.first)) + '\n';
    what += "  right: " + (split.second == commands_.end() ? std::string("none") : show(*split.second)) + '\n';
  }
  if (!same_wishes) {
    what += "wishes differ\n  left:  " + show_wishes(*left_) + "\n  right: " + show_wishes(*right_) + '\n';
  }
  differ(now, event, what);
}

void LockStep::differ(Time now, const Event& event, const std::string& what) {
  comparison_.difference = "event " + std::to_string(comparison_.events) + " at second " +
                           std::to_string(now.seconds().count()) + ": " + show(event) + '\n' + what +
                           first_difference_of_snapshots();
}

std::string LockStep::first_difference_of_snapshots() const {
  const Snapshot left = left_->snapshot();
  const Snapshot right = right_->snapshot();
  if (left == right) return "";
  return "snapshots differ\n" + around_difference(show(left), show(right));
}

void LockStep::compare_snapshots() {
  if (!comparison_.agrees()) return;
  std::string what = first_difference_of_snapshots();
  for (const auto* brain : {left_.get(), right_.get()}) {
    for (const std::string& broken : brain->broken_invariants()) {
      what += (brain == left_.get() ? "left: " : "right: ") + broken + '\n';
    }
  }
  if (!what.empty()) comparison_.difference = "after event " + std::to_string(comparison_.events) + ":\n" + what;
}

std::optional<Seconds> LockStep::next_deadline() const { return left_->next_deadline(); }
bool LockStep::wants_tick() const { return left_->wants_tick(); }
bool LockStep::wants_turn() const { return left_->wants_turn(); }

}  // namespace weir::sim
