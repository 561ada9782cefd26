// Pool: objects of one kind at stable 32-bit places, used again after release; and Ref, a typed place.
//
// Links of 32 bits between pooled objects take half the memory of pointers, and a held message is mostly links.
// An object keeps the memory of its strings and vectors when it is released, so that after warm-up nothing is
// allocated. Place 0 is nobody.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace weir::engine {

constexpr std::size_t kCacheLine = 64;  // bytes

template <class T>
struct Ref {
  std::uint32_t place = 0;
  explicit operator bool() const { return place != 0; }
  friend bool operator==(const Ref&, const Ref&) = default;
};

template <class T>
class Pool {
 public:
  T& operator[](Ref<T> ref) { return (*chunks_[ref.place / kChunk])[ref.place % kChunk]; }
  const T& operator[](Ref<T> ref) const { return (*chunks_[ref.place / kChunk])[ref.place % kChunk]; }

  // An object as its T::reset() leaves it.
  Ref<T> take() {
    if (free_.empty()) return grow();
    const Ref<T> ref = free_.back();
    free_.pop_back();
    (*this)[ref].reset();
    return ref;
  }
  void release(Ref<T> ref) { free_.push_back(ref); }

  // It is going to be used: memory brings its first lines while other things are done.
  void expect(Ref<T> ref, std::size_t lines = 1) const {
    if (!ref) return;
    const char* const begin = reinterpret_cast<const char*>(&(*this)[ref]);
    for (std::size_t i = 0; i < lines; ++i) __builtin_prefetch(begin + i * kCacheLine);
  }

  [[nodiscard]] std::size_t size() const { return used_ - free_.size(); }

 private:
  static constexpr std::uint32_t kChunk = 256;

  Ref<T> grow() {
    const std::uint32_t place = static_cast<std::uint32_t>(++used_);
    if (place / kChunk >= chunks_.size()) chunks_.push_back(std::make_unique<std::array<T, kChunk>>());
    return Ref<T>{place};
  }

  std::vector<std::unique_ptr<std::array<T, kChunk>>> chunks_;
  std::vector<Ref<T>> free_;
  std::size_t used_ = 0;
};

}  // namespace weir::engine
