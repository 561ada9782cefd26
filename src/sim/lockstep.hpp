// Two brains as one: each event goes to both, and what they command is compared element by element.
//
// The world sees the left one's commands. The first difference is kept in words, with what the brains hold; after it
// the right one is not asked any more. Nothing is put into words before that.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "contract/brain.hpp"

namespace weir::sim {

// What one life, with all its restarts, has shown.
struct Comparison {
  std::uint64_t events = 0;
  std::string difference;                                       // empty = none
  std::function<void(const InspectableBrain& right)> at_end{};  // before a right brain is thrown away

  [[nodiscard]] bool agrees() const { return difference.empty(); }
};

class LockStep final : public Brain {
 public:
  LockStep(std::unique_ptr<InspectableBrain> left, std::unique_ptr<InspectableBrain> right, Comparison& comparison);
  ~LockStep() override;
  LockStep(const LockStep&) = delete;
  LockStep& operator=(const LockStep&) = delete;

  void handle(Time now, const Event& event, std::vector<Command>& out) override;
  [[nodiscard]] std::optional<Seconds> next_deadline() const override;
  [[nodiscard]] bool wants_tick() const override;
  [[nodiscard]] bool wants_turn() const override;

  // What the brains hold, and their own invariants.
  void compare_snapshots();

  [[nodiscard]] const InspectableBrain& left() const { return *left_; }
  [[nodiscard]] const InspectableBrain& right() const { return *right_; }

 private:
  void differ(Time now, const Event& event, const std::string& what);
  [[nodiscard]] std::string first_difference_of_snapshots() const;

  std::unique_ptr<InspectableBrain> left_, right_;
  Comparison& comparison_;
  std::vector<Command> commands_;
};

}  // namespace weir::sim
