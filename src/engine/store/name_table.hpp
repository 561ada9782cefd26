// NameTable: pooled objects by their name. Open addressing with the hash beside each place, so that a search touches
// the object that it finds and hardly another; O(1) expected, no order.
//
// T has `std::string name` and `std::uint32_t name_hash`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/check.hpp"
#include "engine/store/pool.hpp"

namespace weir::engine {

template <class T>
class NameTable {
 public:
  [[nodiscard]] Ref<T> find(const Pool<T>& pool, const std::string& name) const {
    if (cells_.empty()) return {};
    const std::uint32_t hash = hash_of(name);
    for (std::size_t i = hash & mask(); cells_[i].ref; i = (i + 1) & mask()) {
      if (cells_[i].hash == hash && pool[cells_[i].ref].name == name) return cells_[i].ref;
    }
    return {};
  }

  void insert(Pool<T>& pool, Ref<T> x) {
    if (2 * (size_ + 1) > cells_.size()) grow();
    size_ += 1;
    const std::uint32_t hash = hash_of(pool[x].name);
    pool[x].name_hash = hash;
    put({hash, x});
  }

  void erase(const Pool<T>& pool, Ref<T> x) {
    std::size_t hole = pool[x].name_hash & mask();
    for (; cells_[hole].ref != x; hole = (hole + 1) & mask()) WEIR_CHECK(cells_[hole].ref);
    size_ -= 1;
    // What stands behind moves up, unless it would pass its home.
    for (std::size_t i = (hole + 1) & mask(); cells_[i].ref; i = (i + 1) & mask()) {
      if (((i - cells_[i].hash) & mask()) < ((i - hole) & mask())) continue;
      cells_[hole] = cells_[i];
      hole = i;
    }
    cells_[hole] = {};
  }

 private:
  struct Cell {
    std::uint32_t hash = 0;
    Ref<T> ref;
  };

  [[nodiscard]] std::size_t mask() const { return cells_.size() - 1; }

  // FNV-1a, the upper bits folded in.
  static std::uint32_t hash_of(std::string_view name) {
    std::uint32_t hash = 2166136261U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return hash ^ hash >> 15;
  }
  void put(Cell cell) {
    std::size_t i = cell.hash & mask();
    while (cells_[i].ref) i = (i + 1) & mask();
    cells_[i] = cell;
  }
  void grow() {
    const std::vector<Cell> old = std::move(cells_);
    cells_.assign(old.empty() ? 16 : 2 * old.size(), {});
    for (const Cell& cell : old) {
      if (cell.ref) put(cell);
    }
  }

  std::vector<Cell> cells_;
  std::size_t size_ = 0;
};

}  // namespace weir::engine
