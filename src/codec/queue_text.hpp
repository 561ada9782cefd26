// The small texts inside queue file records: numbers, attributes, flags. Rules: spec/queue_file.md.
// Tested in tests/codec/queue/queue_text_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::codec {

// Without leading space, tab, LF, VT, FF, CR.
[[nodiscard]] std::string_view without_leading_blanks(std::string_view text);

// Blanks, a sign, digits; what follows does not matter. Cut to what 64 bits hold; 0 if there are no digits.
[[nodiscard]] std::int64_t lenient_number(std::string_view text);

// "name = value", blanks around both removed. `error` says what is wrong, else it is empty.
struct NamedAttribute {
  std::string_view name, value, error;
};
[[nodiscard]] NamedAttribute parse_named_attribute(std::string_view text);

// The record type that an attribute of this name stands for; 0 = none.
[[nodiscard]] int record_type_of_attribute(std::string_view name);

// NOTIFY values as a sum (contract/recipient.hpp), and RET: 1 FULL, 2 HDRS. Nothing = malformed.
[[nodiscard]] std::optional<unsigned> parse_notify(std::string_view text);
[[nodiscard]] std::optional<int> parse_return_flags(std::string_view text);

// The size record. `count`: how many fields there are, up to six; the others are 0.
struct SizeFields {
  int count = 0;
  std::int64_t segment_size = 0, content_offset = 0;
  std::int32_t recipient_count = 0, qmgr_flags = 0;
  std::int64_t content_length = 0;
  std::int32_t smtputf8_flags = 0;
};
[[nodiscard]] SizeFields parse_size_fields(std::string_view text);

}  // namespace weir::codec
