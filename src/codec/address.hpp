// Mail addresses: internal form (bare bytes, as in queue files) and external form (local part quoted where it must
// be, as in headers and logs). Tested in tests/codec/wire/address_test.cpp.
#pragma once

#include <string>
#include <string_view>

namespace weir::codec {

// The empty address stays empty, as logs show it.
[[nodiscard]] std::string to_external(std::string_view address);
[[nodiscard]] std::string to_internal(std::string_view address);

// Text after the last '@'; empty without one.
[[nodiscard]] std::string_view domain_of(std::string_view address);

}  // namespace weir::codec
