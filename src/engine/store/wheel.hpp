// Wheel: the destinations of one transport as a circular cursor list, each with a number: how many entries it could
// give now (negative while more are under way than its window allows).
//
// Round robin asks it who is next: the first with a number above 0, from the front on; and how great the sum over a
// front part can be, which decides about one more connection (spec/scheduling.md, "Allocation"). Every answer and every
// change is O(log n) expected. Tested beside a plain list in tests/engine/store_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/store/pool.hpp"
#include "engine/store/tree.hpp"

namespace weir::engine {

struct Destination;

struct Spoke {
  TreeLinks<Spoke> in_wheel;
  Ref<Destination> destination;
  std::int64_t value = 0;
  // of this part of the tree
  std::int64_t sum = 0, greatest = 0;
  std::uint32_t size = 0;
  bool any_above_0 = false;
  void reset() { *this = {}; }
};

class Wheel {
 public:
  // Last in the turn: just before the front.
  Ref<Spoke> append(Ref<Destination> destination);
  void erase(Ref<Spoke> x);
  void set(Ref<Spoke> x, std::int64_t value);

  // What follows x is the front.
  void turn_past(Ref<Spoke> x);

  [[nodiscard]] Ref<Destination> destination(Ref<Spoke> x) const { return spokes_[x].destination; }
  [[nodiscard]] Ref<Spoke> first_above_0() const;
  // The greatest sum over the first k numbers, for any k >= 0.
  [[nodiscard]] std::int64_t greatest() const;
  // How many stand before x.
  [[nodiscard]] std::size_t rank(Ref<Spoke> x) const;

  [[nodiscard]] Ref<Spoke> front() const { return front_; }
  [[nodiscard]] Ref<Spoke> next(Ref<Spoke> x) const;  // none after the last one

 private:
  struct Sums {
    static bool sum(Spoke& spoke, const Spoke* left, const Spoke* right);
  };
  [[nodiscard]] Ref<Spoke> after(Ref<Spoke> x) const;
  [[nodiscard]] std::size_t place(Ref<Spoke> x) const;

  Pool<Spoke> spokes_;
  Tree<Spoke, &Spoke::in_wheel, Sums> tree_;
  Ref<Spoke> front_;
};

}  // namespace weir::engine
