// PackedRecipients: the recipients of one entry, in one piece of memory of a TextPool. The owner must release it.
//
// Each recipient: offset, notify and lengths as base-128 numbers, then the texts; an original address that equals
// the address takes one byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "contract/recipient.hpp"
#include "engine/store/text_pool.hpp"

namespace weir::engine {

class PackedRecipients {
 public:
  [[nodiscard]] std::uint32_t count() const { return count_; }

  // `first` ... `last` of `recipients`, behind those that are here.
  void append(TextPool& pool, const Recipient* first, const Recipient* last);

  [[nodiscard]] std::vector<Recipient> unpack() const;

  void release(TextPool& pool) {
    pool.release(bytes_, size_);
    *this = {};
  }

  // All that `from` has; `from` is empty then. Only when this is empty.
  void take_over(PackedRecipients& from) {
    *this = from;
    from = {};
  }

 private:
  char* bytes_ = nullptr;
  std::uint32_t size_ = 0, count_ = 0;
};

}  // namespace weir::engine
