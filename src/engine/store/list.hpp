// List: a doubly linked list through members of pooled objects. All operations are O(1).
#pragma once

#include "engine/store/pool.hpp"

namespace weir::engine {

template <class T>
struct ListLinks {
  Ref<T> previous, next;
};

template <class T, ListLinks<T> T::*kLinks>
class List {
 public:
  [[nodiscard]] bool empty() const { return !front_; }
  [[nodiscard]] Ref<T> front() const { return front_; }
  [[nodiscard]] Ref<T> back() const { return back_; }
  [[nodiscard]] static Ref<T> next(const Pool<T>& pool, Ref<T> x) { return (pool[x].*kLinks).next; }

  void push_back(Pool<T>& pool, Ref<T> x) {
    pool[x].*kLinks = {back_, {}};
    (back_ ? (pool[back_].*kLinks).next : front_) = x;
    back_ = x;
  }
  void push_front(Pool<T>& pool, Ref<T> x) {
    pool[x].*kLinks = {{}, front_};
    (front_ ? (pool[front_].*kLinks).previous : back_) = x;
    front_ = x;
  }
  void erase(Pool<T>& pool, Ref<T> x) {
    const ListLinks<T> links = pool[x].*kLinks;
    (links.previous ? (pool[links.previous].*kLinks).next : front_) = links.next;
    (links.next ? (pool[links.next].*kLinks).previous : back_) = links.previous;
    pool[x].*kLinks = {};
  }

 private:
  Ref<T> front_, back_;
};

}  // namespace weir::engine
