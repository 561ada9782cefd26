#include "codec/queue_id.hpp"

#include <algorithm>

namespace weir::codec {

namespace {

constexpr std::string_view kBase52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
constexpr std::string_view kHexDigits = "0123456789ABCDEF";
constexpr std::size_t kQueueIdMax = 255;
constexpr std::size_t kQueueNameMax = 100;
constexpr std::size_t kLongTimeWidth = 10;  // seconds and microseconds of a long ID, at least
constexpr std::size_t kLongMicrosWidth = 4;
constexpr std::size_t kMicrosHexWidth = 5;

constexpr bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

std::string to_lower(std::string_view text) {
  std::string lower{text};
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

// Most significant digit first, padded with zeros; `base` digits of `alphabet`.
std::string encode(std::uint64_t value, std::string_view alphabet, std::uint64_t base, std::size_t width) {
  std::string digits;
  for (; value != 0; value /= base) digits += alphabet[static_cast<std::size_t>(value % base)];
  if (digits.size() < width) digits.append(width - digits.size(), '0');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::uint64_t decode_base52(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    const auto digit = kBase52.find(c);
    if (digit == std::string_view::npos) return 0;
    value = value * kBase52.size() + digit;
  }
  return value;
}

// What the hash directories are named after.
std::string hash_key(std::string_view id) {
  if (!is_long_queue_id(id)) return std::string{id};
  const auto end = id.rfind('z');
  const auto micros = decode_base52(id.substr(end - kLongMicrosWidth, kLongMicrosWidth));
  return encode(micros, kHexDigits, kHexDigits.size(), kMicrosHexWidth);
}

}  // namespace

bool is_queue_id(std::string_view name) {
  return !name.empty() && name.size() <= kQueueIdMax &&
         std::all_of(name.begin(), name.end(), [](char c) { return c == '_' || is_letter_or_digit(c); });
}

bool is_queue_name(std::string_view name) {
  return !name.empty() && name.size() <= kQueueNameMax && std::all_of(name.begin(), name.end(), is_letter_or_digit);
}

bool is_long_queue_id(std::string_view id) {
  const auto last = id.rfind('z');
  return last != std::string_view::npos && last >= kLongTimeWidth;
}

std::string short_queue_id(std::int64_t micros, std::uint64_t inode) {
  return encode(static_cast<std::uint64_t>(micros), kHexDigits, kHexDigits.size(), kMicrosHexWidth) +
         encode(inode, kHexDigits, kHexDigits.size(), 1);
}

std::string long_queue_id(std::int64_t seconds, std::int64_t micros, std::uint64_t inode) {
  return encode(static_cast<std::uint64_t>(seconds), kBase52, kBase52.size(), 6) +
         encode(static_cast<std::uint64_t>(micros), kBase52, kBase52.size(), kLongMicrosWidth) + 'z' +
         encode(inode, kBase52, kBase52.size() - 1, 1);
}

QueueHash::QueueHash(std::string_view names, int depth) : depth_(std::clamp(depth, 1, kDepthMax)) {
  constexpr std::string_view kSeparators = ", \t\n\v\f\r";
  while (true) {
    const auto start = names.find_first_not_of(kSeparators);
    if (start == std::string_view::npos) return;
    names.remove_prefix(start);
    const auto end = std::min(names.find_first_of(kSeparators), names.size());
    names_.push_back(to_lower(names.substr(0, end)));
    names.remove_prefix(end);
  }
}

bool QueueHash::hashes(std::string_view queue) const {
  return std::find(names_.begin(), names_.end(), to_lower(queue)) != names_.end();
}

//= R-FIL-01, R-FIL-02, R-FIL-03, R-FIL-04, R-FIL-05, R-FIL-06  a queue's directory is named like the queue
std::string QueueHash::path(std::string_view queue, std::string_view id) const {
  std::string path{queue};
  path += '/';
  if (hashes(queue)) {
    const std::string key = hash_key(id);
    for (std::size_t level = 0; level < static_cast<std::size_t>(depth_); ++level) {
      path += level < key.size() ? key[level] : '_';
      path += '/';
    }
  }
  path += id;
  return path;
}

}  // namespace weir::codec
