// IdMap: from the ids that a world knows to the objects behind them. Open addressing; O(1), no order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "contract/id.hpp"
#include "engine/store/pool.hpp"

namespace weir::engine {

template <class I, class T>
class IdMap {
 public:
  [[nodiscard]] Ref<T> find(I id) const {
    if (cells_.empty()) return {};
    for (std::size_t i = home(id.value);; i = (i + 1) & mask()) {
      if (!cells_[i].ref) return {};
      if (cells_[i].id == id.value) return cells_[i].ref;
    }
  }

  void insert(I id, Ref<T> ref) {
    if (2 * (size_ + 1) > cells_.size()) grow();
    size_ += 1;
    place(id.value, ref);
  }

  void erase(I id) {
    if (cells_.empty()) return;
    std::size_t hole = home(id.value);
    while (cells_[hole].ref && cells_[hole].id != id.value) hole = (hole + 1) & mask();
    if (!cells_[hole].ref) return;
    size_ -= 1;
    // What stands behind moves up, unless it would pass its home.
    for (std::size_t i = (hole + 1) & mask(); cells_[i].ref; i = (i + 1) & mask()) {
      const std::size_t distance = (i - home(cells_[i].id)) & mask();
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
      if (cell.ref) f(I{cell.id}, cell.ref);
    }
  }

 private:
  struct Cell {
    std::uint64_t id = 0;
    Ref<T> ref;
  };

  [[nodiscard]] std::size_t mask() const { return cells_.size() - 1; }
  // Ids count up: neighbours share a line of memory, and the lines are scattered, since a long run of neighbours would
  // have to be walked when one leaves.
  [[nodiscard]] std::size_t home(std::uint64_t id) const {
    constexpr std::uint64_t kLine = 4;
    return static_cast<std::size_t>(((id / kLine * 0x9e3779b97f4a7c15U) >> 32) * kLine + id % kLine) & mask();
  }

  void place(std::uint64_t id, Ref<T> ref) {
    std::size_t i = home(id);
    while (cells_[i].ref) i = (i + 1) & mask();
    cells_[i] = {id, ref};
  }
  void grow() {
    const std::vector<Cell> old = std::move(cells_);
    cells_.assign(old.empty() ? 64 : 2 * old.size(), {});
    for (const Cell& cell : old) {
      if (cell.ref) place(cell.id, cell.ref);
    }
  }

  std::vector<Cell> cells_;
  std::size_t size_ = 0;
};

}  // namespace weir::engine
