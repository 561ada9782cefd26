#include "codec/text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace weir::codec {
namespace {

TEST(Text, TrimsAllBlanks) {
  EXPECT_EQ(trim(" \t\r\n\v\fa b \t\r\n\v\f"), "a b");
  EXPECT_EQ(trim_left("  a "), "a ");
  EXPECT_EQ(trim_right("  a "), "  a");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, SplitsListsAtBlanksAndCommas) {
  using Items = std::vector<std::string>;
  EXPECT_EQ(split_list("deferred, defer"), (Items{"deferred", "defer"}));
  EXPECT_EQ(split_list(" ,a,,b\tc\n"), (Items{"a", "b", "c"}));
  EXPECT_EQ(split_list(" , "), Items{});
  EXPECT_EQ(split_list(""), Items{});
}

TEST(Text, FoldsAsciiOnly) {
  EXPECT_EQ(lower("AZaz09\xc3\x84"), "azaz09\xc3\x84");
  EXPECT_TRUE(equal_ignoring_case("Yes", "yES"));
  EXPECT_FALSE(equal_ignoring_case("yes", "yes "));
  EXPECT_FALSE(equal_ignoring_case("\xc3\x84", "\xc3\xa4"));
}

TEST(Text, LeadingNumberIsThatOfStrtol) {
  struct Row {
    const char* text;
    std::int64_t value;
    std::size_t length;
  };
  for (const Row& row : {Row{"12x", 12, 2}, Row{" \t+7", 7, 4}, Row{"-0", 0, 2}, Row{"-12", -12, 3}, Row{"x", 0, 0},
                         Row{"", 0, 0}, Row{"+", 0, 0}, Row{"- 5", 0, 0}, Row{"010", 10, 3}, Row{"0x10", 0, 1}}) {
    const LeadingNumber number = leading_number(row.text);
    EXPECT_EQ(number.value, row.value) << row.text;
    EXPECT_EQ(number.length, row.length) << row.text;
    EXPECT_FALSE(number.overflow) << row.text;
  }
}

TEST(Text, LeadingNumberKnowsItsLimits) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(leading_number("9223372036854775807").value, kMax);
  EXPECT_FALSE(leading_number("9223372036854775807").overflow);
  EXPECT_TRUE(leading_number("9223372036854775808").overflow);
  EXPECT_EQ(leading_number("-9223372036854775808").value, -kMax - 1);
  EXPECT_FALSE(leading_number("-9223372036854775808").overflow);
  EXPECT_TRUE(leading_number("-9223372036854775809").overflow);
  EXPECT_TRUE(leading_number("99999999999999999999999").overflow);
  EXPECT_EQ(leading_number("99999999999999999999999").length, 23U);
  EXPECT_FALSE(leading_number("000000000000000000000000000001").overflow);
}

TEST(Text, WholeNumberTakesNothingElse) {
  EXPECT_EQ(whole_number(" +5", 0, 9), 5);
  EXPECT_EQ(whole_number("5 ", 0, 9), std::nullopt);
  EXPECT_EQ(whole_number("10", 0, 9), std::nullopt);
  EXPECT_EQ(whole_number("-1", 0, 9), std::nullopt);
  EXPECT_EQ(whole_number("", 0, 9), std::nullopt);
}

}  // namespace
}  // namespace weir::codec
