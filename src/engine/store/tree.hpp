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

// Whether a tree knows its first and last element without looking for them; it is smaller if it need not.
enum class TreeEnds : std::uint8_t { known, unknown };

template <class T, TreeLinks<T> T::*kLinks, class Summary = NoSummary, TreeEnds kEnds = TreeEnds::known>
class Tree {
 public:
  [[nodiscard]] bool empty() const { return !root_; }
  [[nodiscard]] Ref<T> root() const { return root_; }

  [[nodiscard]] Ref<T> first() const { return ends_.first; }
  [[nodiscard]] Ref<T> last() const { return ends_.last; }
  [[nodiscard]] Ref<T> next(const Pool<T>& pool, Ref<T> x) const {
    return links(pool, x).right ? leftmost(pool, links(pool, x).right) : later_above(pool, x);
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

  [[nodiscard]] bool has(const Pool<T>& pool, Ref<T> x) const { return x == root_ || links(pool, x).parent; }

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

  // The nearest element above x that comes later.
  [[nodiscard]] Ref<T> later_above(const Pool<T>& pool, Ref<T> x) const {
    Ref<T> parent = links(pool, x).parent;
    while (parent && links(pool, parent).right == x) {
      x = parent;
      parent = links(pool, x).parent;
    }
    return parent;
  }

  // The first element that is marked, of all and of those from x on. `is_marked` tells of one, `has_marked` (a part of
  // the Summary) of one and all below it.
  template <class IsMarked, class HasMarked>
  [[nodiscard]] Ref<T> first_marked(const Pool<T>& pool, IsMarked is_marked, HasMarked has_marked) const {
    return first_marked_in(pool, root_, is_marked, has_marked);
  }
  template <class IsMarked, class HasMarked>
  [[nodiscard]] Ref<T> first_marked_from(const Pool<T>& pool, Ref<T> x, IsMarked is_marked,
                                         HasMarked has_marked) const {
    // Itself and what hangs to its right, then the same of everybody above to whose left it hangs.
    for (; x; x = later_above(pool, x)) {
      if (is_marked(pool[x])) return x;
      const Ref<T> found = first_marked_in(pool, links(pool, x).right, is_marked, has_marked);
      if (found) return found;
    }
    return {};
  }

  // As an ordered set; equal elements in order of insertion. At the end, where most things come, O(1).
  template <class Less>
  void insert(Pool<T>& pool, Ref<T> x, Less less) {
    if constexpr (kEnds == TreeEnds::known) {
      if (root_ && !less(pool[x], pool[last()])) {
        attach(pool, x, last(), false);
        return;
      }
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
  void push_back(Pool<T>& pool, Ref<T> x) { attach(pool, x, last(), false); }

  // As a sequence: behind `position`, or in front when there is none.
  void insert_after(Pool<T>& pool, Ref<T> position, Ref<T> x) {
    if (!root_) {
      attach(pool, x, {}, false);
    } else if (!position) {
      attach(pool, x, first(), true);
    } else if (!links(pool, position).right) {
      attach(pool, x, position, false);
    } else {
      attach(pool, x, leftmost(pool, links(pool, position).right), true);
    }
  }

  void erase(Pool<T>& pool, Ref<T> x) {
    if constexpr (kEnds == TreeEnds::known) {
      if (x == ends_.first) ends_.first = next(pool, x);
      if (x == ends_.last) ends_.last = previous(pool, x);
    }
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
  template <class IsMarked, class HasMarked>
  static Ref<T> first_marked_in(const Pool<T>& pool, Ref<T> part, IsMarked is_marked, HasMarked has_marked) {
    if (!part || !has_marked(pool[part])) return {};
    for (;;) {
      const TreeLinks<T>& l = links(pool, part);
      if (l.left && has_marked(pool[l.left])) {
        part = l.left;
      } else if (is_marked(pool[part])) {
        return part;
      } else {
        part = l.right;
      }
    }
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
    if constexpr (kEnds == TreeEnds::known) {
      if (!parent || (left && parent == ends_.first)) ends_.first = x;
      if (!parent || (!left && parent == ends_.last)) ends_.last = x;
    }
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

  struct Ends {
    Ref<T> first, last;
  };
  struct NoEnds {};
  Ref<T> root_;
  [[no_unique_address]] std::conditional_t<kEnds == TreeEnds::known, Ends, NoEnds> ends_;
};

}  // namespace weir::engine
