// One recipient, as the queue file has it and as a delivery request carries it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace weir {

// NOTIFY values of a recipient (RFC 3461), as a sum; 0 = nothing asked for.
inline constexpr unsigned kNotifyNever = 1;
inline constexpr unsigned kNotifySuccess = 2;
inline constexpr unsigned kNotifyFailure = 4;
inline constexpr unsigned kNotifyDelay = 8;

struct Recipient {
  std::int64_t offset = 0;  // of the record's type byte in the queue file: where a done mark goes
  std::string address;      // internal (unquoted) form; after resolving, the resolved address
  std::string original;     // as the sender wrote it; may be empty
  std::string dsn_orcpt;    // "rfc822;user@example.com"; may be empty
  unsigned notify = 0;

  template <class V>
  void fields(V&& v) const {
    v("offset", offset);
    v("address", address);
    v("original", original);
    v("dsn_orcpt", dsn_orcpt);
    v("notify", notify);
  }
  friend auto operator<=>(const Recipient&, const Recipient&) = default;
};

}  // namespace weir
