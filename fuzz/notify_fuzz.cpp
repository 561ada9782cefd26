// notify: conversations with bounce, defer, trace, verify and flush, both sides.
//
//   x = (pieces, service, stream)
//   exchange over any pieces of stream          =  exchange over stream in one piece
//   status() >= 0, ok()                         =>  answered; ok() = service_ok(service, status())
//   decode_request(list) = r                    =>  decode(encode(r)) = r, for each of the three requests
#include <string>

#include "codec/notify.hpp"
#include "contract/check.hpp"
#include "fuzz/bytes.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

using codec::ServiceExchange;

struct Outcome {
  ServiceExchange::State state{};
  std::int32_t status = 0;
  bool ok = false, hung_up = false;
  std::vector<std::string> warnings;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome talk(Service service, std::string_view greeting, std::string_view stream, std::uint8_t pieces, bool timed_out) {
  ServiceExchange exchange(service, {}, "private/bounce socket");
  exchange.feed(greeting);
  if (exchange.state() == ServiceExchange::State::may_write) exchange.sent();
  in_pieces(stream, pieces, [&](std::string_view piece) { exchange.feed(piece); });
  if (timed_out) {
    exchange.time_out();
  } else {
    exchange.end_of_file();
  }
  return {exchange.state(), exchange.status(), exchange.ok(), exchange.hung_up(), exchange.take_warnings()};
}

std::string_view protocol_of(Service service) {
  switch (service) {
    case Service::bounce:
    case Service::defer:
    case Service::trace: return codec::kStatusProtocol;
    case Service::verify: return codec::kVerifyProtocol;
    case Service::flush: return codec::kFlushProtocol;
  }
  return {};
}

codec::AttrList list_of(const std::string& bytes) {
  const auto parsed = codec::parse_attr_list(bytes);
  WEIR_CHECK(parsed && parsed->size == bytes.size());
  return parsed->list;
}

void check_requests(std::string_view stream) {
  const auto parsed = codec::parse_attr_list(stream);
  if (!parsed) return;
  if (const auto notify = codec::decode_notify_request(parsed->list, {})) {
    const auto* append = std::get_if<codec::NotifyAppend>(&*notify);
    const std::string bytes =
        append != nullptr ? codec::encode(*append) : codec::encode(std::get<codec::NotifyFlush>(*notify), {});
    WEIR_CHECK(codec::decode_notify_request(list_of(bytes), {}) == notify);
  }
  if (const auto verify = codec::decode_verify_request(parsed->list)) {
    WEIR_CHECK(codec::decode_verify_request(list_of(codec::encode(*verify))) == verify);
  }
  if (const auto flush = codec::decode_flush_request(parsed->list)) {
    WEIR_CHECK(codec::decode_flush_request(list_of(codec::encode(*flush))) == flush);
  }
}

}  // namespace

void run(std::string_view input) {
  Bytes bytes(input);
  const std::uint8_t pieces = bytes.byte();
  const std::uint8_t what = bytes.byte();
  const auto service = static_cast<Service>(what % 5);
  const bool own_greeting = (what & 64) != 0;
  const bool timed_out = (what & 128) != 0;
  const std::string_view stream = bytes.rest();
  const std::string good = codec::encode_greeting(codec::GreetingStyle::protocol, protocol_of(service));
  const std::string_view greeting = own_greeting ? std::string_view{} : good;

  const Outcome outcome = talk(service, greeting, stream, 0, timed_out);
  // What comes behind a greeting before the request is thrown away: there pieces make a difference by design.
  WEIR_CHECK(own_greeting || outcome == talk(service, greeting, stream, pieces, timed_out));
  const bool answered = outcome.state == ServiceExchange::State::answered;
  WEIR_CHECK(outcome.ok == (answered && codec::service_ok(service, outcome.status)));
  WEIR_CHECK(answered || outcome.status == -1);
  check_requests(stream);
}

}  // namespace weir::fuzz
