#include "engine/store/packed_recipients.hpp"

#include <cstring>
#include <string>

namespace weir::engine {
namespace {

std::size_t size_of(std::uint64_t number) {
  std::size_t bytes = 1;
  while (number >= 128) {
    number /= 128;
    bytes += 1;
  }
  return bytes;
}

char* put(char* at, std::uint64_t number) {
  while (number >= 128) {
    *at++ = static_cast<char>(number % 128 + 128);
    number /= 128;
  }
  *at++ = static_cast<char>(number);
  return at;
}

char* put(char* at, const std::string& text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

const char* get(const char* at, std::uint64_t& number) {
  number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    number |= static_cast<std::uint64_t>(byte & 127U) << shift;
    if (byte < 128) return at;
  }
}

const char* get(const char* at, std::uint64_t size, std::string& text) {
  text.assign(at, static_cast<std::size_t>(size));
  return at + size;
}

// 0: the same as the address; else the length, plus one.
std::uint64_t original_code(const Recipient& r) { return r.original == r.address ? 0 : r.original.size() + 1; }

std::size_t packed_size(const Recipient& r) {
  const std::uint64_t original = original_code(r);
  return size_of(static_cast<std::uint64_t>(r.offset)) + size_of(r.notify) + size_of(r.address.size()) +
         size_of(original) + size_of(r.dsn_orcpt.size()) + r.address.size() + (original == 0 ? 0 : r.original.size()) +
         r.dsn_orcpt.size();
}

char* pack(char* at, const Recipient& r) {
  const std::uint64_t original = original_code(r);
  at = put(at, static_cast<std::uint64_t>(r.offset));
  at = put(at, r.notify);
  at = put(at, r.address.size());
  at = put(at, original);
  at = put(at, r.dsn_orcpt.size());
  at = put(at, r.address);
  if (original != 0) at = put(at, r.original);
  return put(at, r.dsn_orcpt);
}

const char* unpack_one(const char* at, Recipient& r) {
  std::uint64_t offset = 0;
  std::uint64_t notify = 0;
  std::uint64_t address = 0;
  std::uint64_t original = 0;
  std::uint64_t orcpt = 0;
  at = get(at, offset);
  at = get(at, notify);
  at = get(at, address);
  at = get(at, original);
  at = get(at, orcpt);
  r.offset = static_cast<std::int64_t>(offset);
  r.notify = static_cast<unsigned>(notify);
  at = get(at, address, r.address);
  if (original == 0) {
    r.original = r.address;
  } else {
    at = get(at, original - 1, r.original);
  }
  return get(at, orcpt, r.dsn_orcpt);
}

}  // namespace

void PackedRecipients::append(TextPool& pool, const Recipient* first, const Recipient* last) {
  std::size_t size = size_;
  for (const Recipient* r = first; r != last; ++r) size += packed_size(*r);
  char* const bytes = pool.take(size);
  if (size_ > 0) std::memcpy(bytes, bytes_, size_);
  char* at = bytes + size_;
  for (const Recipient* r = first; r != last; ++r) at = pack(at, *r);
  pool.release(bytes_, size_);
  bytes_ = bytes;
  size_ = static_cast<std::uint32_t>(size);
  count_ += static_cast<std::uint32_t>(last - first);
}

std::vector<Recipient> PackedRecipients::unpack() const {
  std::vector<Recipient> recipients(count_);
  const char* at = bytes_;
  for (Recipient& r : recipients) at = unpack_one(at, r);
  return recipients;
}

}  // namespace weir::engine
