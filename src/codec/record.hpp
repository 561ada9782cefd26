// Records: what a queue file is made of. One type byte, one to five length bytes, payload.
// Format: spec/queue_file.md. Tested in tests/codec/queue/record_test.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/bytes.hpp"

namespace weir::codec {

// Type bytes. A type that has no name here may still stand in a file; see Record::type.
namespace record {
inline constexpr int kSize = 'C';
inline constexpr int kArrivalTime = 'T';
inline constexpr int kCreateTime = 'c';
inline constexpr int kFullName = 'F';
inline constexpr int kInspector = 'I';
inline constexpr int kFilter = 'L';  // inside the content: a piece of a long line
inline constexpr int kSender = 'S';
inline constexpr int kDsnEnvelopeId = 'i';
inline constexpr int kDsnReturn = '<';
inline constexpr int kDsnOriginal = 'o';
inline constexpr int kDsnNotify = 'n';
inline constexpr int kRecipient = 'R';
inline constexpr int kDone = 'D';
inline constexpr int kCanceled = '/';
inline constexpr int kOriginal = 'O';
inline constexpr int kWarnTime = 'W';
inline constexpr int kVerp = 'V';
inline constexpr int kAttribute = 'A';
inline constexpr int kKilled = 'K';
inline constexpr int kRedirect = '>';
inline constexpr int kMessage = 'M';
inline constexpr int kText = 'N';
inline constexpr int kPadding = 'w';
inline constexpr int kExtracted = 'X';
inline constexpr int kPriority = 'P';
inline constexpr int kReturnReceipt = 'r';
inline constexpr int kErrorsTo = 'e';
inline constexpr int kPointer = 'p';
inline constexpr int kFlags = 'f';  // passes over sockets only
inline constexpr int kEnd = 'E';
}  // namespace record

// Length bytes at most: 3.7 reads five, late patch levels of later versions four.
inline constexpr int kLengthBytesMax = 5;

// A payload longer than this is not taken into memory. No program writes such a record outside the content of
// a message, which is not read; a file that has one is damaged.
inline constexpr std::int32_t kPayloadMax = 1 << 20;

struct Record {
  int type = 0;             // 0 ... 255
  std::int64_t offset = 0;  // of the type byte
  std::int32_t length = 0;  // of the payload in the file
  int header_size = 0;      // type and length bytes
  std::string payload;      // empty if it was not wanted

  // What C sees of the payload: everything before the first NUL.
  [[nodiscard]] std::string_view text() const { return std::string_view{payload}.substr(0, payload.find('\0')); }
};

enum class RecordStatus : std::uint8_t {
  ok,
  end,            // no byte where a type byte should be; nothing is logged
  end_in_length,  // the other five: errors, with a line each
  end_in_data,
  length_too_long,
  length_negative,
  payload_too_long,
};

// The line that names the problem: "unexpected EOF in data, record type 82 length 18". Empty for ok and end.
[[nodiscard]] std::string describe(RecordStatus status, const Record& record);

// Reads the record at the window's position; on ok the position is behind it. `record` is filled as far as the
// record goes. The payload is skipped, not read, when `wanted(type)` is false; that it is there is checked.
[[nodiscard]] RecordStatus read_record(ByteWindow& window, bool (*wanted)(int type), Record& record);

// The value of a pointer record: blanks, then digits only; empty is 0. False = malformed or too large.
[[nodiscard]] bool parse_offset(std::string_view text, std::int64_t& value);

// Appends a record in its shortest form.
void append_record(std::string& file, int type, std::string_view payload);

// A number as Postfix writes those that it may rewrite in place: right aligned in 15 columns.
[[nodiscard]] std::string wide_number(std::int64_t value);

// The name that postcat gives a type ("message_size"), or "unknown_record_type".
[[nodiscard]] std::string_view record_name(int type);

}  // namespace weir::codec
