// PrefixTree: a row of numbers that only grows at its end, with the greatest sum of a front part of it.
//
// Whether a transport deserves one more connection depends on such a sum: the walk over its destinations in creation
// order stops at the first success, and some contribute negative numbers (spec/scheduling.md, "Allocation").
// set() is O(log n), greatest() is O(1).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::engine {

class PrefixTree {
 public:
  // The greatest sum over the first k numbers, for any k >= 0.
  [[nodiscard]] std::int64_t greatest() const { return root_.greatest; }

  [[nodiscard]] bool full() const { return next_ == leaves_; }
  [[nodiscard]] std::size_t next() const { return next_; }

  // A new number at the end, 0; its place. Only when not full().
  std::size_t append() { return next_++; }

  void set(std::size_t place, std::int64_t value) {
    std::size_t i = first_leaf_ + place;
    if (node(i).sum == value) return;
    node(i) = {value, std::max<std::int64_t>(value, 0)};
    while (i != 0) {
      i = (i - 1) / kChildren;
      Node above;
      for (const Node& child : children_[i]) {
        above.greatest = std::max(above.greatest, above.sum + child.greatest);
        above.sum += child.sum;
      }
      node(i) = above;
    }
  }

  // Empty again, with room for this many numbers.
  void reset(std::size_t room) {
    leaves_ = 1;
    first_leaf_ = 0;
    while (leaves_ < room) {
      first_leaf_ += leaves_;
      leaves_ *= kChildren;
    }
    root_ = {};
    children_.assign(first_leaf_, {});
    next_ = 0;
  }

 private:
  struct Node {
    std::int64_t sum = 0, greatest = 0;
  };
  static constexpr std::size_t kChildren = 4;
  struct alignas(kChildren * sizeof(Node)) Children : std::array<Node, kChildren> {};  // a line of memory

  // Level by level: 0 is the root, the children of i are 4 i + 1 ... 4 i + 4.
  Node& node(std::size_t i) { return i == 0 ? root_ : children_[(i - 1) / kChildren][(i - 1) % kChildren]; }

  Node root_;
  std::vector<Children> children_;
  std::size_t first_leaf_ = 0, leaves_ = 0, next_ = 0;
};

}  // namespace weir::engine
