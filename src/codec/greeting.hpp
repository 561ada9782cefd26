// The list that a server sends as soon as it serves a connection, and what a client makes of it.
//
// "Good" is what the original takes for good, which is more than the right bytes: end of file before the first
// byte, a wrong attribute name, a missing or a surplus attribute. Refused are a wrong value, a list cut short, and
// a read error. What came behind the greeting before the client has written anything is to be thrown away.
// Tested in tests/codec/wire/greeting_test.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/attr.hpp"
#include "codec/version.hpp"

namespace weir::codec {

inline constexpr std::string_view kDeliveryProtocol = "delivery_request_protocol";
inline constexpr std::string_view kStatusProtocol = "delivery_status_protocol";  // bounce, defer, trace
inline constexpr std::string_view kRewriteProtocol = "trivial_rewrite_protocol";
inline constexpr std::string_view kVerifyProtocol = "address_verification_prrotocol";  // spelled so on the wire
inline constexpr std::string_view kFlushProtocol = "queue_flush_protocol";

// The bytes of a greeting; none in style none.
[[nodiscard]] std::string encode_greeting(GreetingStyle style, std::string_view protocol);

// How warnings name a socket: "private/smtp" -> "private/smtp socket".
[[nodiscard]] std::string peer_path(std::string_view socket_name);

class GreetingReader {
 public:
  GreetingReader(GreetingStyle style, std::string_view protocol, std::string path);

  std::size_t feed(std::string_view bytes);  // how many bytes belong to the greeting
  void end_of_file();
  void time_out();

  [[nodiscard]] bool done() const { return !reader_ || reader_->done(); }
  [[nodiscard]] bool good() const;   // of a greeting that is done
  [[nodiscard]] bool begun() const;  // at least one byte has come
  [[nodiscard]] std::vector<std::string> warnings() const;

 private:
  GreetingStyle style_;
  std::optional<AttrReader> reader_;
};

}  // namespace weir::codec
