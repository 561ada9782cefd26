// WEIR_CHECK: an invariant of ours, tested in every build. Bad input is never a reason to fail one.
#pragma once

#include <cstdio>
#include <cstdlib>

#define WEIR_CHECK(condition)                                                                \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
