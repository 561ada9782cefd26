// Bytes of a file, by absolute offset: where they come from (ByteSource) and a small window onto them (ByteWindow).
//
// The codec never holds a file descriptor: whoever owns one implements ByteSource, usually with pread(2).
// Tested in tests/codec/queue/record_test.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace weir::codec {

// The largest offset that lseek(2) accepts on ext4 with 4096-byte blocks. It shows only in damaged files: a jump
// beyond it is refused, a jump below it merely finds no bytes.
inline constexpr std::int64_t kMaxOffsetExt4 = 17592186040320;

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Reads bytes from `offset` on into `into` and tells how many. Fewer than asked for means end of file, so an
  // implementation goes on after a short or interrupted read. Nothing = the read failed; the source says why.
  [[nodiscard]] virtual std::optional<std::size_t> read_at(std::int64_t offset, std::span<char> into) = 0;

  // Jumps to offsets above this one fail, as a seek does; read_at() is never called with one. Return the real
  // limit of the file system where it is known, else leave this as it is.
  [[nodiscard]] virtual std::int64_t max_offset() const { return kMaxOffsetExt4; }
};

// Bytes that are in memory already. The text must outlive the source.
class MemoryBytes : public ByteSource {
 public:
  explicit MemoryBytes(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] std::optional<std::size_t> read_at(std::int64_t offset, std::span<char> into) override {
    ++reads_;
    if (offset < 0 || static_cast<std::uint64_t>(offset) >= bytes_.size()) return 0;
    const auto rest = bytes_.substr(static_cast<std::size_t>(offset));
    const auto size = rest.size() < into.size() ? rest.size() : into.size();
    if (size > 0) std::memcpy(into.data(), rest.data(), size);
    return size;
  }

  // How often it was asked.
  [[nodiscard]] int reads() const { return reads_; }

 private:
  std::string_view bytes_;
  int reads_ = 0;
};

// A position in a ByteSource and the bytes around it. Bytes inside the window are never read again; a window
// that is read to its end is followed by a larger one, up to kLarge. Memory: at most kSmall + kLarge.
class ByteWindow {
 public:
  static constexpr std::size_t kSmall = 4096;
  static constexpr std::size_t kLarge = 32768;

  explicit ByteWindow(ByteSource& source) : source_(source) {}
  ByteWindow(const ByteWindow&) = delete;
  ByteWindow& operator=(const ByteWindow&) = delete;

  [[nodiscard]] std::int64_t position() const { return position_; }

  // False = refused: the position stays.
  [[nodiscard]] bool seek(std::int64_t offset) {
    if (offset < 0 || offset > source_.max_offset()) return false;
    position_ = offset;
    return true;
  }
  [[nodiscard]] bool skip(std::int64_t distance) {
    if (distance < 0 || distance > source_.max_offset() - position_) return false;
    return seek(position_ + distance);
  }

  // The bytes at hand from the position on; empty only at the end of the file (or where reading failed).
  [[nodiscard]] std::string_view view() {
    if (!inside(position_)) fill(position_);
    if (!inside(position_)) return {};
    return bytes().substr(static_cast<std::size_t>(position_ - start_));
  }

  // The next byte, 0 ... 255, or -1 at the end.
  [[nodiscard]] int next() {
    const auto bytes = view();
    if (bytes.empty()) return -1;
    ++position_;
    return static_cast<unsigned char>(bytes.front());
  }

  // True if the file has at least `size` bytes from the position on. Looks at the last one only.
  [[nodiscard]] bool has(std::int64_t size) {
    if (size <= 0) return true;
    if (size > source_.max_offset() - position_) return false;
    const auto last = position_ + size - 1;
    if (!inside(last)) fill(last);
    return inside(last);
  }

  // A read failed: what looks like the end of the file may not be one.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  [[nodiscard]] std::string_view bytes() const { return {large_.empty() ? small_.data() : large_.data(), size_}; }
  [[nodiscard]] bool inside(std::int64_t offset) const {
    return offset >= start_ && offset - start_ < static_cast<std::int64_t>(size_);
  }

  void fill(std::int64_t offset) {
    if (offset >= end_ || offset >= source_.max_offset()) return;
    const bool in_sequence = size_ > 0 && offset == start_ + static_cast<std::int64_t>(size_);
    if (in_sequence && large_.empty()) large_.resize(kLarge);
    const std::span<char> into = large_.empty() ? std::span<char>{small_} : std::span<char>{large_};
    const auto size = source_.read_at(offset, into);
    start_ = offset;
    size_ = size.value_or(0);
    failed_ = failed_ || !size;
    if (size_ < into.size()) end_ = std::min(end_, start_ + static_cast<std::int64_t>(size_));
  }

  ByteSource& source_;
  std::int64_t position_ = 0, start_ = 0;
  std::size_t size_ = 0;
  std::int64_t end_ = INT64_MAX;  // nothing is read from here on; known after a short read
  bool failed_ = false;
  std::array<char, kSmall> small_;
  std::vector<char> large_;
};

}  // namespace weir::codec
