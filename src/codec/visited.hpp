// Visited: which bytes of a file a reading has been over, so that going over them again can be told and bounded.
// Tested in tests/codec/queue/visited_test.cpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

namespace weir::codec {

class Visited {
 public:
  // More separate pieces are not kept: whatever is added then counts as known.
  static constexpr std::size_t kPiecesMax = 1024;

  // Adds the bytes from `begin` up to `end`, and tells how many of them had been there before.
  std::int64_t add(std::int64_t begin, std::int64_t end) {
    if (begin >= end) return 0;
    if (pieces_.size() >= kPiecesMax) return end - begin;
    std::int64_t known = 0, first = begin, last = end;
    auto piece = pieces_.upper_bound(begin);
    if (piece != pieces_.begin() && std::prev(piece)->second >= begin) --piece;
    while (piece != pieces_.end() && piece->first <= end) {
      known += std::max(std::min(end, piece->second) - std::max(begin, piece->first), std::int64_t{0});
      first = std::min(first, piece->first);
      last = std::max(last, piece->second);
      piece = pieces_.erase(piece);
    }
    pieces_.emplace(first, last);
    return known;
  }

  void clear() { pieces_.clear(); }

 private:
  std::map<std::int64_t, std::int64_t> pieces_;  // from, to; neither overlap nor touch
};

}  // namespace weir::codec
