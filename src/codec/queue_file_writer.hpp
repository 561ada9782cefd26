// Makes good queue files, in the order of records that Postfix 3.7 writes: for tests, properties and fuzzers.
// Format: spec/queue_file.md. Tested in tests/codec/queue/queue_file_writer_test.cpp.
//
// A total function: whatever the parts are, the file is good, and the envelope and the recipients that come back
// are exactly those that a reader gets from it. What a file cannot say is made sayable: text ends at a NUL (and at
// kWrittenTextMax), attribute values lose blanks at both ends, times are cut to what can be read, invalid NOTIFY,
// RET, trace and VERP values are left out.
#pragma once

#include <string>
#include <vector>

#include "contract/message.hpp"

namespace weir::codec {

inline constexpr std::size_t kWrittenTextMax = 4096;

struct QueueFileParts {
  Envelope envelope;                  // its sizes and offsets are results, but for content_length > 0
  std::vector<Recipient> recipients;  // their offsets are results
  std::vector<Recipient> extracted;   // recipients that stand behind the content
  std::vector<std::string> lines;     // the content; any bytes
  bool mixed = false;                 // makes no promise that recipients stand together
  bool pointers = false;              // has the dummy pointers of a system with milters
};

struct QueueFileText {
  std::string bytes;
  Envelope envelope;
  std::vector<Recipient> recipients;  // in reading order
};

[[nodiscard]] QueueFileText write_queue_file(const QueueFileParts& parts);

}  // namespace weir::codec
