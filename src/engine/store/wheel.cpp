#include "engine/store/wheel.hpp"

#include <algorithm>

namespace weir::engine {
namespace {

// A stretch of the row: its sum, and the greatest over a front part of it.
struct Stretch {
  std::int64_t sum = 0, greatest = 0;
};
Stretch operator+(Stretch a, Stretch b) { return {a.sum + b.sum, std::max(a.greatest, a.sum + b.greatest)}; }
Stretch one(const Spoke& spoke) { return {spoke.value, std::max<std::int64_t>(spoke.value, 0)}; }
Stretch all(const Spoke* spoke) { return spoke == nullptr ? Stretch{} : Stretch{spoke->sum, spoke->greatest}; }

}  // namespace

bool Wheel::Sums::sum(Spoke& spoke, const Spoke* left, const Spoke* right) {
  const Stretch stretch = all(left) + one(spoke) + all(right);
  const std::uint32_t size = 1 + (left == nullptr ? 0 : left->size) + (right == nullptr ? 0 : right->size);
  const bool any =
      spoke.value > 0 || (left != nullptr && left->any_above_0) || (right != nullptr && right->any_above_0);
  const bool changed =
      stretch.sum != spoke.sum || stretch.greatest != spoke.greatest || size != spoke.size || any != spoke.any_above_0;
  spoke.sum = stretch.sum;
  spoke.greatest = stretch.greatest;
  spoke.size = size;
  spoke.any_above_0 = any;
  return changed;
}

Ref<Spoke> Wheel::append(Ref<Destination> destination) {
  const Ref<Spoke> x = spokes_.take();
  spokes_[x].destination = destination;
  Ref<Spoke> before;
  if (front_) before = tree_.previous(spokes_, front_);
  tree_.insert_after(spokes_, before ? before : tree_.last(), x);
  if (!front_) front_ = x;
  return x;
}

void Wheel::erase(Ref<Spoke> x) {
  if (front_ == x) turn_past(x);
  if (front_ == x) front_ = {};
  tree_.erase(spokes_, x);
  spokes_.release(x);
}

void Wheel::set(Ref<Spoke> x, std::int64_t value) {
  if (spokes_[x].value == value) return;
  spokes_[x].value = value;
  tree_.update(spokes_, x);
}

Ref<Spoke> Wheel::after(Ref<Spoke> x) const {
  const Ref<Spoke> next = tree_.next(spokes_, x);
  return next ? next : tree_.first();
}

void Wheel::turn_past(Ref<Spoke> x) { front_ = after(x); }

Ref<Spoke> Wheel::next(Ref<Spoke> x) const {
  const Ref<Spoke> next = after(x);
  return next == front_ ? Ref<Spoke>{} : next;
}

Ref<Spoke> Wheel::first_above_0() const {
  const auto above_0 = [](const Spoke& spoke) { return spoke.value > 0; };
  const auto any_above_0 = [](const Spoke& spoke) { return spoke.any_above_0; };
  const Ref<Spoke> found = tree_.first_marked_from(spokes_, front_, above_0, any_above_0);
  return found ? found : tree_.first_marked(spokes_, above_0, any_above_0);
}

std::int64_t Wheel::greatest() const {
  if (!front_) return 0;
  const auto part = [this](Ref<Spoke> x) { return x ? all(&spokes_[x]) : Stretch{}; };
  const Spoke& front = spokes_[front_];
  Stretch behind = one(front) + part(front.in_wheel.right);
  Stretch before = part(front.in_wheel.left);
  for (Ref<Spoke> x = front_; spokes_[x].in_wheel.parent; x = spokes_[x].in_wheel.parent) {
    const Spoke& above = spokes_[spokes_[x].in_wheel.parent];
    if (above.in_wheel.left == x) {
      behind = behind + one(above) + part(above.in_wheel.right);
    } else {
      before = part(above.in_wheel.left) + one(above) + before;
    }
  }
  return (behind + before).greatest;
}

// In the order of the tree.
std::size_t Wheel::place(Ref<Spoke> x) const {
  const auto size = [this](Ref<Spoke> part) -> std::size_t { return part ? spokes_[part].size : 0; };
  std::size_t before = size(spokes_[x].in_wheel.left);
  for (; spokes_[x].in_wheel.parent; x = spokes_[x].in_wheel.parent) {
    const Spoke& above = spokes_[spokes_[x].in_wheel.parent];
    if (above.in_wheel.right == x) before += 1 + size(above.in_wheel.left);
  }
  return before;
}

std::size_t Wheel::rank(Ref<Spoke> x) const {
  const std::size_t size = spokes_[tree_.root()].size;
  return (place(x) + size - place(front_)) % size;
}

}  // namespace weir::engine
