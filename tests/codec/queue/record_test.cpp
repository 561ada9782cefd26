// Records and the window they are read through.
#include <gtest/gtest.h>

#include <map>

#include "codec/record.hpp"

namespace weir::codec {
namespace {

using namespace std::string_literals;

bool all(int) { return true; }
bool none(int) { return false; }

struct Read {
  RecordStatus status{};
  Record record;
  std::int64_t position = 0;
};

Read read(std::string_view bytes, bool (*wanted)(int) = all) {
  MemoryBytes source{bytes};
  ByteWindow window{source};
  Read result;
  result.status = read_record(window, wanted, result.record);
  result.position = window.position();
  return result;
}

std::string problem(std::string_view bytes) {
  const Read result = read(bytes);
  return describe(result.status, result.record);
}

TEST(Record, IsTypeLengthAndPayload) {
  const Read result = read("R\x05hello...");
  EXPECT_EQ(result.status, RecordStatus::ok);
  EXPECT_EQ(result.record.type, 'R');
  EXPECT_EQ(result.record.length, 5);
  EXPECT_EQ(result.record.header_size, 2);
  EXPECT_EQ(result.record.payload, "hello");
  EXPECT_EQ(result.position, 7);
}

TEST(Record, LengthsAreBase128LowGroupFirst) {
  const std::string text(2048, 'x');
  const Read result = read("N\x80\x10" + text);
  EXPECT_EQ(result.status, RecordStatus::ok);
  EXPECT_EQ(result.record.payload, text);
}

TEST(Record, RedundantLengthBytesAreAccepted) {
  EXPECT_EQ(read("R\x83\x00"
                 "abc"s)
                .record.payload,
            "abc");
  const Read empty = read("R\x80\x80\x00"s);
  EXPECT_EQ(empty.status, RecordStatus::ok);
  EXPECT_EQ(empty.record.length, 0);
  EXPECT_EQ(empty.record.header_size, 4);
}

TEST(Record, AnyTypeByteIsRead) {
  EXPECT_EQ(read("\x00\x00"s).record.type, 0);
  EXPECT_EQ(read("\xff\x00"s).record.type, 255);
}

TEST(Record, EndOfFileWhereATypeShouldBeIsSilent) {
  EXPECT_EQ(read("").status, RecordStatus::end);
  EXPECT_EQ(problem(""), "");
}

TEST(Record, DamageHasALine) {
  EXPECT_EQ(problem("R"), "unexpected EOF reading length, record type 82");
  EXPECT_EQ(problem("R\x80"), "unexpected EOF reading length, record type 82");
  EXPECT_EQ(problem("R\x05hell"), "unexpected EOF in data, record type 82 length 5");
  EXPECT_EQ(problem("R\x80\x80\x80\x80\x80\x00"s), "too many length bits, record type 82");
  EXPECT_EQ(problem("R\x80\x80\x80\x80\x80"), "too many length bits, record type 82");
  EXPECT_EQ(problem("R\xff\xff\xff\xff\x7f"), "illegal length -1, record type 82");
  EXPECT_EQ(problem("R\x80\x80\x80\x80\x08"), "illegal length -2147483648, record type 82");
  EXPECT_EQ(problem("R\xff\xff\xff\xff\x07"), "unexpected EOF in data, record type 82 length 2147483647");
}

TEST(Record, BitsAbove31AreLost) {
  const Read result = read("R\x81\x80\x80\x80\x70x");
  EXPECT_EQ(result.status, RecordStatus::ok);
  EXPECT_EQ(result.record.payload, "x");
}

TEST(Record, TextEndsAtTheFirstNul) {
  Record record;
  record.payload = "ab\0cd"s;
  EXPECT_EQ(record.text(), "ab");
  record.payload = "abcd";
  EXPECT_EQ(record.text(), "abcd");
}

TEST(Record, AnUnwantedPayloadIsSkippedButMustBeThere) {
  const Read skipped = read("N\x05helloX", none);
  EXPECT_EQ(skipped.status, RecordStatus::ok);
  EXPECT_EQ(skipped.record.payload, "");
  EXPECT_EQ(skipped.position, 7);
  EXPECT_EQ(read("N\x05hell", none).status, RecordStatus::end_in_data);
  EXPECT_EQ(read("N\x00"s, none).status, RecordStatus::ok);
}

TEST(Record, AHugePayloadIsNotTakenIntoMemory) {
  std::string file;
  append_record(file, 'R', std::string(kPayloadMax, 'x'));
  EXPECT_EQ(read(file).status, RecordStatus::ok);
  file.clear();
  append_record(file, 'R', std::string(kPayloadMax + 1, 'x'));
  EXPECT_EQ(read(file).status, RecordStatus::payload_too_long);
  EXPECT_EQ(problem(file), "record too long, record type 82 length 1048577");
  file.pop_back();
  EXPECT_EQ(problem(file), "unexpected EOF in data, record type 82 length 1048577");
}

TEST(Record, WriterUsesTheShortestForm) {
  const std::map<std::size_t, std::size_t> header_sizes = {{0, 2},     {1, 2},     {127, 2},     {128, 3},
                                                           {16383, 3}, {16384, 4}, {2097151, 4}, {2097152, 5}};
  for (const auto& row : header_sizes) {
    std::string file;
    append_record(file, 'N', std::string(row.first, 'x'));
    EXPECT_EQ(file.size(), row.first + row.second);
  }
}

TEST(Record, WhatIsWrittenIsReadBack) {
  std::string file;
  std::vector<std::string> payloads;
  for (const std::size_t size : {0U, 1U, 2U, 126U, 127U, 128U, 129U, 4000U, 4096U, 16383U, 16384U, 70000U, 3U}) {
    std::string payload;
    for (std::size_t i = 0; i < size; ++i) payload += static_cast<char>((i * 31 + size) & 0xff);
    append_record(file, static_cast<int>(payloads.size() * 20), payload);
    payloads.push_back(payload);
  }
  MemoryBytes source{file};
  ByteWindow window{source};
  Record record;
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    ASSERT_EQ(read_record(window, all, record), RecordStatus::ok);
    EXPECT_EQ(record.type, static_cast<int>(i * 20));
    EXPECT_EQ(record.payload, payloads[i]);
  }
  EXPECT_EQ(read_record(window, all, record), RecordStatus::end);
}

TEST(Record, WideNumbersFill15Columns) {
  EXPECT_EQ(wide_number(-1), "             -1");
  EXPECT_EQ(wide_number(348), "            348");
  EXPECT_EQ(wide_number(9223372036854775807), "9223372036854775807");
}

TEST(Record, PointerValues) {
  const auto value = [](std::string_view text) {
    std::int64_t number = 0;
    return parse_offset(text, number) ? number : -1;
  };
  EXPECT_EQ(value("            619"), 619);
  EXPECT_EQ(value(""), 0);
  EXPECT_EQ(value("   \t"), 0);
  EXPECT_EQ(value("9223372036854775807"), 9223372036854775807);
  for (const std::string_view bad : {"9223372036854775808", "99999999999999999999", "-5", "+0", "0 ", "abc", "1a"}) {
    EXPECT_EQ(value(bad), -1) << bad;
  }
}

TEST(ByteWindow, ReadsEachByteOnce) {
  const std::string file(10000, 'x');
  MemoryBytes source{file};
  ByteWindow window{source};
  for (int i = 0; i < 10000; ++i) ASSERT_EQ(window.next(), 'x');
  EXPECT_EQ(window.next(), -1);
  EXPECT_EQ(window.next(), -1);
  EXPECT_EQ(source.reads(), 2);
}

TEST(ByteWindow, JumpsInsideTheWindowReadNothing) {
  const std::string file = std::string(2000, 'a') + std::string(2000, 'b');
  MemoryBytes source{file};
  ByteWindow window{source};
  EXPECT_EQ(window.next(), 'a');
  EXPECT_TRUE(window.seek(3999));
  EXPECT_EQ(window.next(), 'b');
  EXPECT_TRUE(window.seek(0));
  EXPECT_EQ(window.next(), 'a');
  EXPECT_TRUE(window.seek(5000));
  EXPECT_EQ(window.next(), -1);
  EXPECT_EQ(source.reads(), 1);
}

TEST(ByteWindow, RefusesWhatTheFileSystemRefuses) {
  MemoryBytes source{"x"};
  ByteWindow window{source};
  EXPECT_TRUE(window.seek(kMaxOffsetExt4));
  EXPECT_EQ(window.next(), -1);
  EXPECT_FALSE(window.seek(kMaxOffsetExt4 + 1));
  EXPECT_FALSE(window.seek(-1));
  EXPECT_FALSE(window.skip(1));
  EXPECT_FALSE(window.skip(INT64_MAX));
  EXPECT_EQ(window.position(), kMaxOffsetExt4);
}

class Broken : public ByteSource {
 public:
  [[nodiscard]] std::optional<std::size_t> read_at(std::int64_t, std::span<char>) override { return std::nullopt; }
};

TEST(ByteWindow, AFailedReadIsToldFromTheEnd) {
  Broken source;
  ByteWindow window{source};
  EXPECT_EQ(window.next(), -1);
  EXPECT_TRUE(window.failed());
  MemoryBytes good{""};
  ByteWindow end{good};
  EXPECT_EQ(end.next(), -1);
  EXPECT_FALSE(end.failed());
}

TEST(RecordName, OfTheThreeParts) {
  EXPECT_EQ(record_name(record::kMessage), "message_content");
  EXPECT_EQ(record_name(record::kExtracted), "extracted_info");
  EXPECT_EQ(record_name(record::kEnd), "message_end");
  EXPECT_EQ(record_name('?'), "unknown_record_type");
}

}  // namespace
}  // namespace weir::codec
