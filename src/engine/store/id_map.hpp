// IdMap: pooled objects by the id that a world knows them by. Open addressing; O(1), no order.
//
// T has `id`. Of an id the map keeps the lower half, which hardly ever is another's; so a line of memory has eight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "contract/check.hpp"
#include "contract/id.hpp"
#include "engine/store/pool.hpp"

namespace weir::engine {

template <class I, class T>
class IdMap {
 public:
  [[nodiscard]] Ref<T> find(const Pool<T>& pool, I id) const {
    if (cells_.empty()) return {};
    const auto low = static_cast<std::uint32_t>(id.value);
    for (std::size_t i = home(low); cells_[i].ref; i = (i + 1) & mask()) {
      if (cells_[i].low == low && pool[cells_[i].ref].id == id) return cells_[i].ref;
    }
    return {};
  }

  void insert(I id, Ref<T> ref) {
    if (2 * (size_ + 1) > cells_.size()) grow();
    size_ += 1;
    put({static_cast<std::uint32_t>(id.value), ref});
  }

  void erase(I id, Ref<T> ref) {
    std::size_t hole = home(static_cast<std::uint32_t>(id.value));
    for (; cells_[hole].ref != ref; hole = (hole + 1) & mask()) WEIR_CHECK(cells_[hole].ref);
    size_ -= 1;
    // What stands behind moves up, unless it would pass its home.
    for (std::size_t i = (hole + 1) & mask(); cells_[i].ref; i = (i + 1) & mask()) {
      const std::size_t distance = (i - home(cells_[i].low)) & mask();
      if (distance < ((i - hole) & mask())) continue;
      cells_[hole] = cells_[i];
      hole = i;
    }
    cells_[hole] = {};
  }

  [[nodiscard]] std::size_t size() const { return size_; }

  // In no order.
  template <class F>
  void for_each(F f) const {
    for (const Cell& cell : cells_) {
      if (cell.ref) f(cell.ref);
    }
  }

 private:
  struct Cell {
    std::uint32_t low = 0;
    Ref<T> ref;
  };

  [[nodiscard]] std::size_t mask() const { return cells_.size() - 1; }
  // Ids count up: neighbours share a line of memory, and the lines are scattered, since a long run of neighbours would
  // have to be walked when one leaves.
  [[nodiscard]] std::size_t home(std::uint32_t low) const {
    constexpr std::uint32_t kLine = kCacheLine / sizeof(Cell);
    const std::uint64_t line = (low / kLine * 0x9e3779b97f4a7c15U) >> 32;
    return (line * kLine + low % kLine) & mask();
  }

  void put(Cell cell) {
    std::size_t i = home(cell.low);
    while (cells_[i].ref) i = (i + 1) & mask();
    cells_[i] = cell;
  }
  void grow() {
    const std::vector<Cell> old = std::move(cells_);
    cells_.assign(old.empty() ? 64 : 2 * old.size(), {});
    for (const Cell& cell : old) {
      if (cell.ref) put(cell);
    }
  }

  std::vector<Cell> cells_;
  std::size_t size_ = 0;
};

}  // namespace weir::engine
