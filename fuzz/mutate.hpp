// Mutators that know a format. A target that has one links its .cpp; the engine calls LLVMFuzzerCustomMutator, which
// changes a record or an attribute, or leaves the bytes to the engine's own mutations.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "sim/prng.hpp"

extern "C" {
// Of the engine; replay_main.cpp has a simple one.
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed);
}

namespace weir::fuzz {

inline std::size_t below(sim::Prng& prng, std::size_t bound) { return static_cast<std::size_t>(prng.next() % bound); }

// One part of the input, by the engine's own mutations; at most `growth` bytes longer.
inline std::string mutated(std::string_view part, std::size_t growth) {
  std::vector<std::uint8_t> buffer(part.begin(), part.end());
  const std::size_t max = part.size() + growth;
  buffer.resize(max);
  const std::size_t size = LLVMFuzzerMutate(buffer.data(), part.size(), max);
  return {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)};
}

// What a mutator does: takes apart what stands behind `prefix` bytes, which are a target's own choices, changes the
// parts and puts them together again; what then is too long is cut off. Now and then, once in `plain`, all bytes are
// left to the engine's mutations. The new size.
template <class TakeApart, class Change, class PutTogether>
std::size_t mutate_parts(std::uint8_t* data, std::size_t size, std::size_t max_size, std::size_t prefix,
                         sim::Prng& prng, int plain, const TakeApart& take_apart, const Change& change,
                         const PutTogether& put_together) {
  if (size <= prefix || prng.one_in(plain)) return LLVMFuzzerMutate(data, size, max_size);
  auto parts = take_apart(std::string_view{reinterpret_cast<const char*>(data) + prefix, size - prefix});
  change(prng, parts);
  const std::string bytes = put_together(prng, parts);
  const std::size_t kept = std::min(bytes.size(), max_size - std::min(max_size, prefix));
  std::memcpy(data + prefix, bytes.data(), kept);
  return prefix + kept;
}

}  // namespace weir::fuzz
