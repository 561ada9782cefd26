// Numbers, attributes and flags inside records.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "codec/queue_text.hpp"

namespace weir::codec {
namespace {

TEST(QueueText, LenientNumber) {
  EXPECT_EQ(lenient_number("1795341494 61290"), 1795341494);
  EXPECT_EQ(lenient_number(" \t-7x"), -7);
  EXPECT_EQ(lenient_number("+9"), 9);
  EXPECT_EQ(lenient_number(""), 0);
  EXPECT_EQ(lenient_number("x1"), 0);
  EXPECT_EQ(lenient_number("- 1"), 0);
  EXPECT_EQ(lenient_number("99999999999999999999"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(lenient_number("-99999999999999999999"), std::numeric_limits<std::int64_t>::min());
}

std::string parsed(std::string_view text) {
  const auto attribute = parse_named_attribute(text);
  if (!attribute.error.empty()) return std::string{attribute.error};
  return "[" + std::string{attribute.name} + "][" + std::string{attribute.value} + "]";
}

TEST(QueueText, NamedAttributes) {
  EXPECT_EQ(parsed("name=value"), "[name][value]");
  EXPECT_EQ(parsed(" \t name \v=\f two words = x \r\n"), "[name][two words = x]");
  EXPECT_EQ(parsed("name="), "[name][]");
  EXPECT_EQ(parsed("name=  "), "[name][]");
  EXPECT_EQ(parsed("name==x"), "[name][=x]");
}

TEST(QueueText, MalformedAttributes) {
  EXPECT_EQ(parsed(""), "missing attribute name");
  EXPECT_EQ(parsed("   "), "missing attribute name");
  EXPECT_EQ(parsed("=bar"), "missing attribute name");
  EXPECT_EQ(parsed(" =bar"), "missing attribute name");
  EXPECT_EQ(parsed("foo"), "missing '=' after attribute name");
  EXPECT_EQ(parsed("foo "), "missing '=' after attribute name");
  EXPECT_EQ(parsed("two words=x"), "missing '=' after attribute name");
}

TEST(QueueText, SomeAttributesStandForRecords) {
  EXPECT_EQ(record_type_of_attribute("create_time"), 'c');
  EXPECT_EQ(record_type_of_attribute("dsn_orig_rcpt"), 'o');
  EXPECT_EQ(record_type_of_attribute("notify_flags"), 'n');
  EXPECT_EQ(record_type_of_attribute("envelope_id"), 'i');
  EXPECT_EQ(record_type_of_attribute("ret_flags"), '<');
  EXPECT_EQ(record_type_of_attribute("encoding"), 0);
}

TEST(QueueText, NotifyIsNeverAloneOrASumOfTheOthers) {
  for (unsigned value = 0; value <= 20; ++value) {
    const bool good = value == 1 || (value >= 2 && value <= 14 && value % 2 == 0);
    const auto flags = parse_notify(std::to_string(value));
    EXPECT_EQ(flags.has_value(), good) << value;
    if (good) {
      EXPECT_EQ(*flags, value);
    }
  }
  for (const std::string_view bad : {"", "abc", "-2", "+2", " 2", "2 ", "18446744073709551618", "4294967299"}) {
    EXPECT_FALSE(parse_notify(bad)) << bad;
  }
}

TEST(QueueText, ReturnFlagsAreFullOrHeaders) {
  EXPECT_EQ(parse_return_flags("1"), 1);
  EXPECT_EQ(parse_return_flags("2"), 2);
  for (const std::string_view bad : {"0", "3", "full", "", " 1", "4294967299"}) {
    EXPECT_FALSE(parse_return_flags(bad)) << bad;
  }
}

// Observed on the real queue manager.
TEST(QueueText, FlagsAreCutToAnInt) {
  EXPECT_EQ(parse_notify("4294967298"), 2U);
  EXPECT_EQ(parse_return_flags("4294967298"), 2);
  EXPECT_EQ(parse_return_flags("01"), 1);
}

TEST(QueueText, SizeRecordAsWritten) {
  const auto fields = parse_size_fields(
      "            267             348               2               0             267               7");
  EXPECT_EQ(fields.count, 6);
  EXPECT_EQ(fields.segment_size, 267);
  EXPECT_EQ(fields.content_offset, 348);
  EXPECT_EQ(fields.recipient_count, 2);
  EXPECT_EQ(fields.qmgr_flags, 0);
  EXPECT_EQ(fields.content_length, 267);
  EXPECT_EQ(fields.smtputf8_flags, 7);
}

TEST(QueueText, SizeRecordStopsAtTheFirstThatIsNoNumber) {
  EXPECT_EQ(parse_size_fields("").count, 0);
  EXPECT_EQ(parse_size_fields("text").count, 0);
  EXPECT_EQ(parse_size_fields("1").count, 1);
  EXPECT_EQ(parse_size_fields("1 2 x 4").count, 2);
  EXPECT_EQ(parse_size_fields("1 2 3 4 5 6 7").count, 6);
  EXPECT_EQ(parse_size_fields("1 2 3 4 5 6junk").smtputf8_flags, 6);
}

TEST(QueueText, SizeRecordNumbersAsScanfReadsThem) {
  const auto fields = parse_size_fields("+1 99999999999999999999 4294967298 -1 -5 4294967295");
  EXPECT_EQ(fields.count, 6);
  EXPECT_EQ(fields.segment_size, 1);
  EXPECT_EQ(fields.content_offset, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(fields.recipient_count, 2);
  EXPECT_EQ(fields.qmgr_flags, -1);
  EXPECT_EQ(fields.content_length, -5);
  EXPECT_EQ(fields.smtputf8_flags, -1);
}

}  // namespace
}  // namespace weir::codec
