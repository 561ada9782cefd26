// TextPool: memory for short texts, in size classes, used again after release; so a held recipient costs its text and
// little more, and nothing is allocated after warm-up.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace weir::engine {

class TextPool {
 public:
  TextPool() = default;
  TextPool(const TextPool&) = delete;
  TextPool& operator=(const TextPool&) = delete;
  ~TextPool() {
    while (large_.after != &large_) drop(large_.after);
  }

  [[nodiscard]] char* take(std::size_t size) {
    if (size > kLargest) return take_large(size);
    std::vector<char*>& free = free_[class_of(size)];
    if (!free.empty()) {
      char* const block = free.back();
      free.pop_back();
      return block;
    }
    const std::size_t rounded = (class_of(size) + 1) * kStep;
    if (left_ < rounded) {
      blocks_.push_back(std::make_unique<char[]>(kBlock));
      at_ = blocks_.back().get();
      left_ = kBlock;
    }
    char* const block = at_;
    at_ += rounded;
    left_ -= rounded;
    return block;
  }

  // `size` as it was taken.
  void release(char* block, std::size_t size) {
    if (block == nullptr) return;
    if (size > kLargest) {
      drop(reinterpret_cast<Large*>(block) - 1);
    } else {
      free_[class_of(size)].push_back(block);
    }
  }

 private:
  // A large text stands behind its place in a ring, so that those still held at the end are freed with the pool.
  struct Large {
    Large *before, *after;
  };
  char* take_large(std::size_t size) {
    auto* const large = static_cast<Large*>(::operator new(sizeof(Large) + size));
    *large = {&large_, large_.after};
    large_.after->before = large;
    large_.after = large;
    return reinterpret_cast<char*>(large + 1);
  }
  static void drop(Large* large) {
    large->before->after = large->after;
    large->after->before = large->before;
    ::operator delete(large);
  }

  static constexpr std::size_t kStep = 8, kLargest = 1024, kBlock = std::size_t{64} * 1024;
  static std::size_t class_of(std::size_t size) { return size == 0 ? 0 : (size - 1) / kStep; }

  std::array<std::vector<char*>, kLargest / kStep> free_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* at_ = nullptr;
  std::size_t left_ = 0;
  Large large_{&large_, &large_};
};

}  // namespace weir::engine
