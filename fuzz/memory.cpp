#include "fuzz/memory.hpp"

extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*taken)(const volatile void*, std::size_t),
                                              void (*given_back)(const volatile void*)) __attribute__((weak));
std::size_t __sanitizer_get_allocated_size(const volatile void* memory) __attribute__((weak));
}

namespace weir::fuzz {
namespace {

// More is given back than was taken since the hooks are there: what was held before them.
std::size_t held = std::size_t{1} << 40;
std::size_t highest = 0;

void taken(const volatile void*, std::size_t size) {
  held += size;
  if (held > highest) highest = held;
}
void given_back(const volatile void* memory) {
  if (memory != nullptr) held -= __sanitizer_get_allocated_size(memory);
}

bool install() {
  return __sanitizer_install_malloc_and_free_hooks != nullptr && __sanitizer_get_allocated_size != nullptr &&
         __sanitizer_install_malloc_and_free_hooks(taken, given_back) != 0;
}

}  // namespace

MemoryMeter::MemoryMeter() : before_(held) {
  static const bool installed = install();
  (void)installed;
  highest = before_;
}

std::size_t MemoryMeter::peak() const { return highest - before_; }

}  // namespace weir::fuzz
