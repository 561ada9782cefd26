// Mutators that know a format. A target that has one links its .cpp; the engine calls LLVMFuzzerCustomMutator, which
// changes a record or an attribute, or leaves the bytes to the engine's own mutations.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
// Of the engine; replay_main.cpp has a simple one.
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed);
}
