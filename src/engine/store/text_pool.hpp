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

  [[nodiscard]] char* take(std::size_t size) {
    if (size > kLargest) return new char[size];
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
      delete[] block;
    } else {
      free_[class_of(size)].push_back(block);
    }
  }

 private:
  static constexpr std::size_t kStep = 8, kLargest = 1024, kBlock = std::size_t{64} * 1024;
  static std::size_t class_of(std::size_t size) { return size == 0 ? 0 : (size - 1) / kStep; }

  std::array<std::vector<char*>, kLargest / kStep> free_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* at_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace weir::engine
