// TimerQueue: timers by due time, equal ones in order of setting. A binary heap; all operations are O(log n).
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/store/state.hpp"

namespace weir::engine {

class TimerQueue {
 public:
  Ref<Timer> set(Timer timer) {
    const Ref<Timer> ref = pool_.take();
    timer.serial = ++last_serial_;
    timer.heap_place = static_cast<std::uint32_t>(heap_.size());
    pool_[ref] = timer;
    heap_.push_back(ref);
    up(heap_.size() - 1);
    return ref;
  }

  // Clears the handle; none is fine.
  void cancel(Ref<Timer>& handle) {
    if (handle) take_out(handle);
    handle = {};
  }

  // The next one to run.
  [[nodiscard]] std::optional<Seconds> next_due() const {
    if (heap_.empty()) return std::nullopt;
    return pool_[heap_.front()].due;
  }

  // The next one to run is due, and was not set after `serial`.
  [[nodiscard]] bool is_due(Seconds now, std::uint64_t serial) const {
    return !heap_.empty() && pool_[heap_.front()].due <= now && pool_[heap_.front()].serial <= serial;
  }

  // Out of the queue, if it is.
  std::optional<Timer> take_due(Seconds now, std::uint64_t serial) {
    if (!is_due(now, serial)) return std::nullopt;
    const Timer timer = pool_[heap_.front()];
    take_out(heap_.front());
    return timer;
  }

  [[nodiscard]] std::uint64_t last_serial() const { return last_serial_; }
  [[nodiscard]] const std::vector<Ref<Timer>>& heap() const { return heap_; }
  [[nodiscard]] const Timer& operator[](Ref<Timer> ref) const { return pool_[ref]; }

 private:
  [[nodiscard]] bool before(Ref<Timer> a, Ref<Timer> b) const {
    const Timer& x = pool_[a];
    const Timer& y = pool_[b];
    return x.due != y.due ? x.due < y.due : x.serial < y.serial;
  }
  void put(std::size_t place, Ref<Timer> ref) {
    heap_[place] = ref;
    pool_[ref].heap_place = static_cast<std::uint32_t>(place);
  }
  void up(std::size_t place) {
    const Ref<Timer> moving = heap_[place];
    while (place > 0 && before(moving, heap_[(place - 1) / 2])) {
      put(place, heap_[(place - 1) / 2]);
      place = (place - 1) / 2;
    }
    put(place, moving);
  }
  void down(std::size_t place) {
    const Ref<Timer> moving = heap_[place];
    while (2 * place + 1 < heap_.size()) {
      std::size_t child = 2 * place + 1;
      if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) child += 1;
      if (!before(heap_[child], moving)) break;
      put(place, heap_[child]);
      place = child;
    }
    put(place, moving);
  }
  void take_out(Ref<Timer> ref) {
    const std::size_t place = pool_[ref].heap_place;
    const Ref<Timer> last = heap_.back();
    heap_.pop_back();
    if (last != ref) {
      put(place, last);
      up(place);
      down(pool_[last].heap_place);
    }
    pool_.release(ref);
  }

  Pool<Timer> pool_;
  std::vector<Ref<Timer>> heap_;
  std::uint64_t last_serial_ = 0;
};

}  // namespace weir::engine
