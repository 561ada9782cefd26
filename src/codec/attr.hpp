// Attribute lists, the form in which Postfix programs talk over local sockets (spec/attributes.md).
//
//   list      = *(name NUL value NUL) NUL
//
// The writer makes the bytes. The reader is fed with bytes as they come and reads an ordered list of wanted
// attributes with exactly the leniency, the counts and the warnings of the original. Neither touches a socket.
// A peer that sends without end meets kAttrListMax. Tested in tests/codec/wire/attr_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::codec {

inline constexpr std::size_t kAttrListMax = std::size_t{1} << 20;  // bytes of one list

// --- values --------------------------------------------------------------------------------------------

[[nodiscard]] std::string base64_encode(std::string_view bytes);
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

// The number that a reader sees: leading blanks and a sign are fine, a tail is not; out of range is not told.
// Negative numbers wrap, as on the wire.
[[nodiscard]] std::optional<std::uint64_t> parse_attr_number(std::string_view text);

// --- writer --------------------------------------------------------------------------------------------

class AttrWriter {
 public:
  // A NUL cannot travel: the value ends before it.
  AttrWriter& text(std::string_view name, std::string_view value);
  AttrWriter& number(std::string_view name, std::int64_t value);       // 32 bits, -1 = 4294967295
  AttrWriter& long_number(std::string_view name, std::int64_t value);  // 64 bits, unsigned
  AttrWriter& data(std::string_view name, std::string_view bytes);     // base64
  AttrWriter& end();                                                   // the list ends; another may follow

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::string take() { return std::exchange(bytes_, {}); }

 private:
  std::string bytes_;
};

// --- reader --------------------------------------------------------------------------------------------

enum class AttrType : std::uint8_t {
  text,
  number,       // 32 bits
  long_number,  // 64 bits
  data,         // base64
  fixed,        // must have exactly the value AttrWant::fixed; does not count
};

struct AttrWant {
  std::string name;
  AttrType type = AttrType::text;
  std::string fixed{};
  int group = 0;  // neighbours with the same number (not 0) are one sub-structure: count as one, all or nothing
};

struct AttrStrictness {
  bool missing = true;  // a list that ends early is worth a warning
  bool extra = true;    // an attribute that is not wanted stops the reading; else it is skipped
};

struct AttrValue {
  bool read = false;         // came, and could be converted
  std::string text;          // as on the wire; type data: decoded. When cut off: what came of it, `read` is false
  std::uint64_t number = 0;  // 32-bit numbers are cut to 32 bits

  // Numbers are unsigned on the wire; these give back the sign.
  [[nodiscard]] std::int32_t int32() const { return static_cast<std::int32_t>(static_cast<std::uint32_t>(number)); }
  [[nodiscard]] std::int64_t int64() const { return static_cast<std::int64_t>(number); }
};

class AttrReader {
 public:
  // `path` is how warnings name the peer: "private/smtp socket".
  AttrReader(std::vector<AttrWant> wants, std::string path, AttrStrictness strictness = {},
             std::size_t limit = kAttrListMax);

  // Takes what belongs to this list and says how many bytes that was; after done() it takes none.
  std::size_t feed(std::string_view bytes);
  // No more bytes will come (also: the read failed). After done() without effect.
  void end_of_file();
  // The time limit for a read has passed.
  void time_out();

  [[nodiscard]] bool done() const { return state_ == State::done; }
  // Number of attributes converted; 0 also for end of file (or time-out) before the first byte; -1 for failure.
  [[nodiscard]] int result() const { return result_; }
  // The result of a list in which everything came.
  [[nodiscard]] int full_result() const;
  [[nodiscard]] bool complete() const { return done() && result_ == full_result(); }
  // The list was read to its terminator: what follows on the stream is a new list.
  [[nodiscard]] bool in_step() const { return in_step_; }
  [[nodiscard]] bool untouched() const { return taken_ == 0; }  // not one byte has come

  [[nodiscard]] const std::vector<AttrValue>& values() const { return values_; }  // one per want
  [[nodiscard]] const AttrValue& value(std::size_t index) const { return values_.at(index); }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  enum class State : std::uint8_t { name, value, skipped_value, done };

  void name_read();
  void value_read();
  void list_ended();
  void unexpected_name();
  void broken_off(bool timed_out);
  void finish(int result);
  void fail(std::string warning);
  [[nodiscard]] std::string broken_off_text(bool timed_out) const;
  [[nodiscard]] std::string_view wanted_name() const;
  [[nodiscard]] bool in_group() const;
  [[nodiscard]] int count() const;
  [[nodiscard]] bool convert(const AttrWant& want, AttrValue& value);

  std::vector<AttrWant> wants_;
  std::string path_;
  AttrStrictness strictness_;
  std::size_t limit_;

  State state_ = State::name;
  std::size_t next_ = 0;   // index of the wanted attribute; wants_.size() = the terminator
  std::size_t taken_ = 0;  // bytes of this list so far
  std::string token_;      // name or value so far
  int result_ = 0;
  bool in_step_ = false;
  std::vector<AttrValue> values_;
  std::vector<std::string> warnings_;
};

// --- any list ------------------------------------------------------------------------------------------

// What servers, stand-ins and tools use: reads whatever names come, without wanting any.
using AttrList = std::vector<std::pair<std::string, std::string>>;

class AttrListReader {
 public:
  explicit AttrListReader(std::size_t limit = kAttrListMax) : limit_(limit) {}

  std::size_t feed(std::string_view bytes);
  [[nodiscard]] bool done() const { return done_ || failed_; }
  [[nodiscard]] bool failed() const { return failed_; }  // larger than the limit
  [[nodiscard]] bool untouched() const { return taken_ == 0; }
  [[nodiscard]] const AttrList& list() const { return list_; }

 private:
  std::size_t limit_;
  std::size_t taken_ = 0;
  bool done_ = false, failed_ = false, in_value_ = false;
  std::string name_, token_;
  AttrList list_;
};

// The first whole list in `bytes`, and how long it is; nothing if it is cut off.
struct ParsedList {
  AttrList list;
  std::size_t size = 0;
};
[[nodiscard]] std::optional<ParsedList> parse_attr_list(std::string_view bytes);

}  // namespace weir::codec
