// Which bytes of a file a reading has been over.
#include "codec/visited.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <utility>

namespace weir::codec {
namespace {

TEST(Visited, TellsWhatWasThereBefore) {
  Visited visited;
  EXPECT_EQ(visited.add(10, 20), 0);
  EXPECT_EQ(visited.add(20, 30), 0);  // touches
  EXPECT_EQ(visited.add(12, 28), 16);
  EXPECT_EQ(visited.add(40, 50), 0);
  EXPECT_EQ(visited.add(0, 100), 30);
  EXPECT_EQ(visited.add(0, 100), 100);
  EXPECT_EQ(visited.add(7, 7), 0);
  EXPECT_EQ(visited.add(9, 3), 0);
  visited.clear();
  EXPECT_EQ(visited.add(0, 100), 0);
}

// Every way in which pieces can meet, against one mark a byte.
TEST(Visited, AgreesWithAMarkForEachByte) {
  Visited visited;
  std::array<bool, 200> marks{};
  std::uint32_t random = 1;
  const auto next = [&random](std::uint32_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 8) % below;
  };
  for (int round = 0; round < 20000; ++round) {
    if (round % 40 == 0) {
      visited.clear();
      marks = {};
    }
    const std::int64_t begin = next(190), end = begin + next(10);
    std::int64_t known = 0;
    for (auto i = begin; i < end; ++i) known += std::exchange(marks[static_cast<std::size_t>(i)], true) ? 1 : 0;
    ASSERT_EQ(visited.add(begin, end), known) << "round " << round << ": " << begin << " to " << end;
  }
}

TEST(Visited, TooManyPiecesCountAsKnown) {
  Visited visited;
  const auto pieces = static_cast<std::int64_t>(Visited::kPiecesMax);
  for (std::int64_t i = 0; i < pieces; ++i) EXPECT_EQ(visited.add(10 * i, 10 * i + 5), 0);
  EXPECT_EQ(visited.add(10 * pieces, 10 * pieces + 5), 5);
}

}  // namespace
}  // namespace weir::codec
