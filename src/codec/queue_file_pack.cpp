// A QueueFileReader put away in few bytes: numbers in base 128, texts behind their lengths, no names.
// What is in an Envelope is told by Envelope::fields(), so that no field can be forgotten.
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "codec/queue_file.hpp"
#include "contract/check.hpp"

namespace weir::codec {

namespace {

constexpr unsigned kGroupBits = 7;
constexpr std::uint64_t kGroupMask = 0x7f, kMoreBit = 0x80;

class Packer {
 public:
  explicit Packer(std::string& out) : out_(out) {}

  template <std::integral T>
  void operator()(std::string_view, const T& value) {
    const auto wide = static_cast<std::int64_t>(value);  // small in either direction: few bytes
    number((static_cast<std::uint64_t>(wide) << 1U) ^ static_cast<std::uint64_t>(wide >> 63));
  }
  void operator()(std::string_view name, const Seconds& value) { (*this)(name, value.count()); }
  void operator()(std::string_view name, const Time& value) { (*this)(name, value.since_epoch.count()); }
  void operator()(std::string_view, const std::string& text) { put(text, text.size()); }
  void operator()(std::string_view, const std::optional<std::string>& text) {
    if (text) {
      put(*text, text->size() + 1);
    } else {
      number(0);
    }
  }
  void operator()(std::string_view, const ClientInfo& client) { client.fields(*this); }

 private:
  void number(std::uint64_t value) {
    while (value > kGroupMask) {
      out_.push_back(static_cast<char>((value & kGroupMask) | kMoreBit));
      value >>= kGroupBits;
    }
    out_.push_back(static_cast<char>(value));
  }
  void put(std::string_view text, std::size_t size) {
    number(size);
    out_ += text;
  }

  std::string& out_;
};

// Takes the same values in the same order. fields() shows them as const; the objects behind them are not.
class Unpacker {
 public:
  explicit Unpacker(std::string_view in) : in_(in) {}

  template <std::integral T>
  void operator()(std::string_view, const T& value) {
    const std::uint64_t folded = number();
    set(value, static_cast<T>(static_cast<std::int64_t>((folded >> 1U) ^ (~(folded & 1U) + 1U))));
  }
  void operator()(std::string_view name, const Seconds& value) {
    std::int64_t count = 0;
    (*this)(name, count);
    set(value, Seconds{count});
  }
  void operator()(std::string_view name, const Time& value) {
    std::int64_t count = 0;
    (*this)(name, count);
    set(value, Time{Micros{count}});
  }
  void operator()(std::string_view, const std::string& text) { set(text, std::string{take(number())}); }
  void operator()(std::string_view, const std::optional<std::string>& text) {
    if (const std::uint64_t size = number(); size > 0) set(text, std::optional{std::string{take(size - 1)}});
  }
  void operator()(std::string_view, const ClientInfo& client) { client.fields(*this); }

  [[nodiscard]] bool at_end() const { return in_.empty(); }

 private:
  template <class T>
  static void set(const T& shown, T value) {
    const_cast<T&>(shown) = std::move(value);
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += kGroupBits) {
      const auto group = static_cast<std::uint64_t>(static_cast<unsigned char>(take(1).front()));
      value |= (group & kGroupMask) << shift;
      if ((group & kMoreBit) == 0) return value;
    }
  }
  std::string_view take(std::uint64_t size) {
    WEIR_CHECK(size <= in_.size());
    const std::string_view text = in_.substr(0, static_cast<std::size_t>(size));
    in_.remove_prefix(text.size());
    return text;
  }

  std::string_view in_;
};

}  // namespace

template <class V>
void QueueFileReader::visit(V& v) const {
  envelope_.fields(v);
  v("arrival_seconds", arrival_seconds_);
  v("unread", unread_);
  v("resume_offset", resume_offset_);
  v("last_jump", last_jump_);
  v("reverse_jumps", reverse_jumps_);
  v("size_flags", size_flags_);
  v("warn_length", warn_length_);
  v("warn_header", warn_header_);
  v("attributes", attributes_);
  v("started", started_);
  v("has_sender", has_sender_);
  v("seen_all", seen_all_);
}

void QueueFileReader::pack(std::string& out) const {
  Packer packer(out);
  visit(packer);
}

QueueFileReader QueueFileReader::unpack(std::string_view bytes) {
  QueueFileReader reader;
  Unpacker unpacker(bytes);
  reader.visit(unpacker);
  WEIR_CHECK(unpacker.at_end());
  return reader;
}

}  // namespace weir::codec
