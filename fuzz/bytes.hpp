// Decisions from fuzzed bytes: numbers and texts, taken from the front. Total: where nothing is left, numbers are 0 and
// texts empty. Own, since a compiler's data provider cannot be replayed by another compiler.
//
// Take values into named variables, never inside an argument list: the order of arguments is the compiler's choice.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::fuzz {

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool empty() const { return bytes_.empty(); }

  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }
  bool flag() { return (byte() & 1) != 0; }

  // Up to eight bytes, the lowest first.
  std::uint64_t number(int size) {
    std::uint64_t value = 0;
    for (int i = 0; i < size; ++i) value |= static_cast<std::uint64_t>(byte()) << (8 * i);
    return value;
  }
  std::uint32_t word() { return static_cast<std::uint32_t>(number(4)); }
  std::int64_t long_word() { return static_cast<std::int64_t>(number(8)); }
  std::uint32_t below(std::uint32_t bound) { return byte() % bound; }  // bound: 1 ... 256

  // Up to 255 bytes, after their number.
  std::string text() {
    const std::size_t size = byte();
    return std::string{take(size)};
  }
  std::string_view take(std::size_t size) {
    const auto piece = bytes_.substr(0, std::min(size, bytes_.size()));
    bytes_.remove_prefix(piece.size());
    return piece;
  }
  std::string_view rest() { return take(bytes_.size()); }

 private:
  std::string_view bytes_;
};

// Gives `all` to feed(piece) in pieces whose sizes follow from `seed`; seed 0: in one piece.
template <class Feed>
void in_pieces(std::string_view all, std::uint8_t seed, const Feed& feed) {
  std::uint32_t state = seed;
  while (!all.empty()) {
    state = state * 1103515245U + 12345U;
    const std::size_t size = seed == 0 ? all.size() : std::min<std::size_t>(1 + (state >> 16) % 23, all.size());
    feed(all.substr(0, size));
    all.remove_prefix(size);
  }
}

}  // namespace weir::fuzz
