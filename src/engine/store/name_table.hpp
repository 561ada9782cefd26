// NameTable: pooled objects by their name. A hash table with chains through the objects; O(1) expected, no order.
//
// T has `std::string name`, `std::uint32_t name_hash` and `Ref<T> next_of_name`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/store/pool.hpp"

namespace weir::engine {

template <class T>
class NameTable {
 public:
  [[nodiscard]] Ref<T> find(const Pool<T>& pool, const std::string& name) const {
    if (chains_.empty()) return {};
    const std::uint32_t hash = hash_of(name);
    Ref<T> x = chains_[hash & mask()];
    while (x && (pool[x].name_hash != hash || pool[x].name != name)) x = pool[x].next_of_name;
    return x;
  }

  void insert(Pool<T>& pool, Ref<T> x) {
    if (size_ >= chains_.size()) grow(pool);
    size_ += 1;
    pool[x].name_hash = hash_of(pool[x].name);
    put(pool, x);
  }

  void erase(Pool<T>& pool, Ref<T> x) {
    Ref<T>* at = &chains_[pool[x].name_hash & mask()];
    while (*at != x) at = &pool[*at].next_of_name;
    *at = pool[x].next_of_name;
    size_ -= 1;
  }

 private:
  [[nodiscard]] std::size_t mask() const { return chains_.size() - 1; }

  // FNV-1a.
  static std::uint32_t hash_of(std::string_view name) {
    std::uint32_t hash = 2166136261U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return hash ^ hash >> 15;
  }
  void put(Pool<T>& pool, Ref<T> x) {
    Ref<T>& chain = chains_[pool[x].name_hash & mask()];
    pool[x].next_of_name = chain;
    chain = x;
  }
  void grow(Pool<T>& pool) {
    const std::vector<Ref<T>> old = std::move(chains_);
    chains_.assign(old.empty() ? 16 : 2 * old.size(), {});
    for (Ref<T> x : old) {
      while (x) {
        const Ref<T> next = pool[x].next_of_name;
        put(pool, x);
        x = next;
      }
    }
  }

  std::vector<Ref<T>> chains_;
  std::size_t size_ = 0;
};

}  // namespace weir::engine
