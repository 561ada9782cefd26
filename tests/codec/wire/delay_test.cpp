#include "codec/delay.hpp"

#include <gtest/gtest.h>

#include "observed.hpp"
#include "support/vectors.hpp"

namespace weir::codec {
namespace {

std::string show(std::int64_t seconds, std::int64_t micros, int decimals) {
  return format_delay(Micros{seconds * 1'000'000 + micros}, decimals);
}

//= R-PAR-078 test
TEST(Delay, AsObserved) {
  const auto json = testing::read_json((testing::vectors() / "queue-cycle/delay-format.json").string());
  std::size_t checked = 0;
  for (const auto& v : json.at("vectors")) {
    EXPECT_EQ(show(v.at(0), v.at(1), v.at(2)), v.at(3).get<std::string>()) << v.dump();
    ++checked;
  }
  EXPECT_EQ(checked, 574U);
}

TEST(Delay, EveryLimit) {
  const std::vector<std::pair<int, const char*>> expected{{-1, "0"},    {0, "0"},     {1, "0"},     {2, "0.01"},
                                                          {3, "0.015"}, {4, "0.015"}, {5, "0.015"}, {6, "0.015"}};
  for (const auto& [decimals, text] : expected) EXPECT_EQ(show(0, 14'999, decimals), text) << decimals;
}

TEST(Delay, LimitsOutOfRangeAreThoseAtTheEdge) {
  for (const std::int64_t micros : {0, 1, 4999, 15'000, 999'999}) {
    EXPECT_EQ(show(0, micros, -1), show(0, micros, 0));
    EXPECT_EQ(show(0, micros, 7), show(0, micros, 6));
  }
}

TEST(Delay, NegativeIsZero) {
  EXPECT_EQ(format_delay(Micros{-1}, 2), "0");
  EXPECT_EQ(format_delay(Micros{-5'000'000}, 6), "0");
}

TEST(Delay, Large) { EXPECT_EQ(show(86'400, 1, 2), "86400"); }

}  // namespace
}  // namespace weir::codec
