// PrefixTree: a row of numbers that only grows at its end, with the greatest sum of a front part of it.
//
// Whether a transport deserves one more connection depends on such a sum: the walk over its destinations in creation
// order stops at the first success, and some contribute negative numbers (spec/scheduling.md, "Allocation").
// set() is O(log n), greatest() is O(1).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::engine {

class PrefixTree {
 public:
  // The greatest sum over the first k numbers, for any k >= 0.
  [[nodiscard]] std::int64_t greatest() const { return nodes_.empty() ? 0 : nodes_[1].greatest; }

  [[nodiscard]] bool full() const { return next_ == leaves_; }
  [[nodiscard]] std::size_t next() const { return next_; }

  // A new number at the end, 0; its place. Only when not full().
  std::size_t append() { return next_++; }

  void set(std::size_t place, std::int64_t value) {
    std::size_t i = leaves_ + place;
    if (nodes_[i].sum == value) return;
    nodes_[i] = {value, std::max<std::int64_t>(value, 0)};
    for (i /= 2; i >= 1; i /= 2) {
      const Node& left = nodes_[2 * i];
      const Node& right = nodes_[2 * i + 1];
      nodes_[i] = {left.sum + right.sum, std::max(left.greatest, left.sum + right.greatest)};
    }
  }

  // Empty again, with room for this many numbers.
  void reset(std::size_t room) {
    leaves_ = 1;
    while (leaves_ < room) leaves_ *= 2;
    nodes_.assign(2 * leaves_, {});
    next_ = 0;
  }

 private:
  struct Node {
    std::int64_t sum = 0, greatest = 0;
  };
  std::vector<Node> nodes_;  // 1 is the root; leaves from leaves_ on
  std::size_t leaves_ = 0, next_ = 0;
};

}  // namespace weir::engine
