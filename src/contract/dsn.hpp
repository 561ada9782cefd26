// An enhanced status code (RFC 3463) with its text, as it travels between queue manager and agents.
#pragma once

#include <compare>
#include <string>

namespace weir {

// `code` is empty when nothing was reported; a malformed code is kept as it came, and the brain decides.
struct Dsn {
  std::string code;  // "4.4.1"
  std::string text;

  template <class V>
  void fields(V&& v) const {
    v("code", code);
    v("text", text);
  }
  friend auto operator<=>(const Dsn&, const Dsn&) = default;
};

}  // namespace weir
