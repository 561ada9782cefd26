// The rows are those that the real daemon was seen to take or to refuse.
#include "codec/time_value.hpp"

#include <gtest/gtest.h>

#include <string>

namespace weir::codec {
namespace {

struct Row {
  std::string text;
  std::optional<std::int64_t> seconds;
  char unit = 's';
};

TEST(TimeValue, TakesAndRefusesWhatTheRealDaemonDoes) {
  const std::vector<Row> rows = {
      {"5", 5},
      {"5", 5 * 86400, 'd'},
      {"-0", 0},
      {"+5", 5},
      {"+ 5", {}},
      {"-5", {}},
      {"- 5", {}},
      {"+s", {}},
      {"-s", {}},
      {"s", 0},
      {"S", {}},
      {"5S", {}},
      {"5 s", {}},
      {"5.5", {}},
      {"5.5s", {}},
      {"5days", 5 * 86400},
      {"300sx", 300},
      {"0x10", {}},
      {"08", 8},
      {"1w", 604800},
      {"1x", {}},
      {"x", {}},
      {"", {}},
      {"99999999999", {}},
      {"2147483647", 2147483647},
      {"2147483647s", 2147483647},
      {"2147483648", {}},
      {"35791393m", 2147483580},
      {"35791394m", {}},
      {"596522h", 2147479200},
      {"596523h", {}},
      {"24854d", 2147385600},
      {"24855d", {}},
      {"3549w", 2146435200},
      {"3550w", {}},
      {"1h1m", 3600},
      {std::string("5\x01"), {}},
      {"0", 0},
      {"  7", 7},
      {" 7s", 7},
      {"1e3", {}},
      {"9223372036854775807", {}},
      {"9223372036854775808", {}},
      {"99999999999999999999", {}},
      {"100", 8640000, 'd'},
      {"14w", 8467200, 'd'},
      {"2400h", 8640000, 'd'},
      {"8640000", {}, 'd'},
  };
  for (const Row& row : rows) {
    const std::optional<Seconds> parsed = parse_time(row.text, row.unit);
    ASSERT_EQ(parsed.has_value(), row.seconds.has_value()) << row.text;
    if (parsed.has_value()) {
      EXPECT_EQ(parsed->count(), *row.seconds) << row.text;
    }
  }
}

}  // namespace
}  // namespace weir::codec
