// Tree: a balanced binary tree through members of pooled objects: ordered sets, sequences, and sequences that know
// something about every stretch of theirs.
//
// A treap: heap-ordered by a priority that is a fixed mix of an object's place, so its shape, and with it the cost,
// does not depend on the order of the contents; expected depth is O(log n), and so is every operation. `Summary`
// names what a subtree is summed up to: Summary::sum(object, left, right) is called bottom up, with null pointers
// where there is no child, and answers whether the sum has changed; NoSummary sums nothing.
#pragma once

#include <cstdint>
#include <type_traits>

#include "engine/store/pool.hpp"

namespace weir::engine {

template <class T>
struct TreeLinks {
  Ref<T> left, right, parent;
};

struct NoSummary {
  template <class T>
  static bool sum(T& /*object*/, const T* /*left*/, const T* /*right*/) {
    return false;
  }
};

template <class T, TreeLinks<T> T::*kLinks, class Summary = NoSummary>
class Tree {
 public:
  [[nodiscard]] bool empty() const { return !root_; }
  [[nodiscard]] Ref<T> root() const { return root_; }

  [[nodiscard]] Ref<T> first() const { return first_; }
  [[nodiscard]] Ref<T> last() const { return last_; }
  [[nodiscard]] Ref<T> next(const Pool<T>& pool, Ref<T> x) const {
    if (links(pool, x).right) return leftmost(pool, links(pool, x).right);
    Ref<T> parent = links(pool, x).parent;
    while (parent && links(pool, parent).right == x) {
      x = parent;
      parent = links(pool, x).parent;
    }
    return parent;
  }
  [[nodiscard]] Ref<T> previous(const Pool<T>& pool, Ref<T> x) const {
    if (links(pool, x).left) {
      x = links(pool, x).left;
      while (links(pool, x).right) x = links(pool, x).right;
      return x;
    }
    Ref<T> parent = links(pool, x).parent;
    while (parent && links(pool, parent).left == x) {
      x = parent;
      parent = links(pool, x).parent;
    }
    return parent;
  }

  // The first element for which `not_before(element)` holds; it must hold for all that follow.
  template <class Predicate>
  [[nodiscard]] Ref<T> first_where(const Pool<T>& pool, Predicate not_before) const {
    Ref<T> found;
    for (Ref<T> x = root_; x;) {
      const bool here = not_before(pool[x]);
      if (here) found = x;
      x = here ? links(pool, x).left : links(pool, x).right;
    }
    return found;
  }

  // As an ordered set; equal elements in order of insertion. At the end, where most things come, O(1).
  template <class Less>
  void insert(Pool<T>& pool, Ref<T> x, Less less) {
    if (last_ && !less(pool[x], pool[last_])) {
      attach(pool, x, last_, false);
      return;
    }
    Ref<T> parent;
    bool left = false;
    for (Ref<T> at = root_; at;) {
      parent = at;
      left = less(pool[x], pool[at]);
      at = left ? links(pool, at).left : links(pool, at).right;
    }
    attach(pool, x, parent, left);
  }

  // Behind all others.
  void push_back(Pool<T>& pool, Ref<T> x) { attach(pool, x, last_, false); }

  // As a sequence: behind `position`, or in front when there is none.
  void insert_after(Pool<T>& pool, Ref<T> position, Ref<T> x) {
    if (!root_) {
      attach(pool, x, {}, false);
    } else if (!position) {
      attach(pool, x, first_, true);
    } else if (!links(pool, position).right) {
      attach(pool, x, position, false);
    } else {
      attach(pool, x, leftmost(pool, links(pool, position).right), true);
    }
  }

  void erase(Pool<T>& pool, Ref<T> x) {
    if (x == first_) first_ = next(pool, x);
    if (x == last_) last_ = previous(pool, x);
    const TreeLinks<T> gone = links(pool, x);
    Ref<T> left = gone.left;
    Ref<T> right = gone.right;
    // The two subtrees are merged downwards, from the place where x hung.
    Ref<T> parent = gone.parent;
    bool at_left = parent && links(pool, parent).left == x;
    while (left && right) {
      const bool left_is_top = priority(left) > priority(right);
      const Ref<T> top = left_is_top ? left : right;
      hang(pool, top, parent, at_left);
      parent = top;
      at_left = !left_is_top;
      (left_is_top ? left : right) = left_is_top ? links(pool, top).right : links(pool, top).left;
    }
    hang(pool, left ? left : right, parent, at_left);
    pool[x].*kLinks = {};
    if constexpr (!std::is_same_v<Summary, NoSummary>) {
      for (; parent != gone.parent; parent = links(pool, parent).parent) sum(pool, parent);
      sum_upwards(pool, parent, true);
    }
  }

  // What Summary says of x has changed.
  void update(Pool<T>& pool, Ref<T> x) { sum_upwards(pool, x, false); }

 private:
  static const TreeLinks<T>& links(const Pool<T>& pool, Ref<T> x) { return pool[x].*kLinks; }
  static Ref<T> leftmost(const Pool<T>& pool, Ref<T> x) {
    while (links(pool, x).left) x = links(pool, x).left;
    return x;
  }
  static std::uint32_t priority(Ref<T> x) {
    std::uint32_t h = x.place * 0x9e3779b1U;
    h ^= h >> 15;
    h *= 0x85ebca77U;
    h ^= h >> 13;
    h *= 0xc2b2ae3dU;
    return h ^ h >> 16;
  }

  void hang(Pool<T>& pool, Ref<T> x, Ref<T> parent, bool left) {
    if (x) (pool[x].*kLinks).parent = parent;
    if (!parent) {
      root_ = x;
    } else if (left) {
      (pool[parent].*kLinks).left = x;
    } else {
      (pool[parent].*kLinks).right = x;
    }
  }

  void attach(Pool<T>& pool, Ref<T> x, Ref<T> parent, bool left) {
    pool[x].*kLinks = {};
    if (!parent || (left && parent == first_)) first_ = x;
    if (!parent || (!left && parent == last_)) last_ = x;
    hang(pool, x, parent, left);
    sum(pool, x);
    while (parent && priority(x) > priority(parent)) {
      rotate_up(pool, x);
      parent = links(pool, x).parent;
    }
    sum_upwards(pool, parent, true);
  }

  void rotate_up(Pool<T>& pool, Ref<T> x) {
    const Ref<T> parent = links(pool, x).parent;
    const Ref<T> above = links(pool, parent).parent;
    const bool parent_was_left = above && links(pool, above).left == parent;
    if (links(pool, parent).left == x) {
      hang(pool, links(pool, x).right, parent, true);
      hang(pool, parent, x, false);
    } else {
      hang(pool, links(pool, x).left, parent, false);
      hang(pool, parent, x, true);
    }
    hang(pool, x, above, parent_was_left);
    sum(pool, parent);
    sum(pool, x);
  }

  static bool sum(Pool<T>& pool, Ref<T> x) {
    T& object = pool[x];
    const TreeLinks<T>& l = object.*kLinks;
    return Summary::sum(object, l.left ? &pool[l.left] : nullptr, l.right ? &pool[l.right] : nullptr);
  }

  // An unchanged sum ends the climb, unless the shape below has changed.
  static void sum_upwards(Pool<T>& pool, Ref<T> x, bool reshaped) {
    if constexpr (std::is_same_v<Summary, NoSummary>) return;
    while (x) {
      const bool changed = sum(pool, x);
      if (!changed && !reshaped) return;
      reshaped = false;
      x = links(pool, x).parent;
    }
  }

  Ref<T> root_, first_, last_;
};

}  // namespace weir::engine
