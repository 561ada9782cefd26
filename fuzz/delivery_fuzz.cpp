// delivery: greeting and report of a delivery agent; and, for stand-ins, a request as an agent reads it.
//
//   x = (pieces, what, stream)
//   any pieces of stream                        =  stream in one piece
//   report complete                             =>  read(encode(report)) = report
//   report cut off                              =>  not complete; Delivered says so, and carries nothing that is not in x
//   request read                                =>  read(encode(request)) = request, bytes within the limit
//   decode_message_times(x) = t                 =>  decode(encode(t)) = t
#include <string>

#include "codec/delivery.hpp"
#include "contract/check.hpp"
#include "fuzz/bytes.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

enum class End : std::uint8_t { file, time, open };

template <class Reader>
void feed(Reader& reader, std::string_view stream, std::uint8_t pieces) {
  std::size_t at = 0;
  in_pieces(stream, pieces, [&](std::string_view piece) {
    const std::size_t used = reader.feed(piece);
    WEIR_CHECK(used <= piece.size() && (reader.done() || used == piece.size()));
    at += used;
  });
  WEIR_CHECK(at <= stream.size());
}

void check_greeting(std::string_view stream, std::uint8_t pieces, End end) {
  for (const auto style : {codec::GreetingStyle::protocol, codec::GreetingStyle::status}) {
    codec::GreetingReader whole(style, codec::kDeliveryProtocol, "private/smtp socket"), other = whole;
    feed(whole, stream, 0);
    feed(other, stream, pieces);
    for (auto* reader : {&whole, &other}) {
      if (end == End::file) reader->end_of_file();
      if (end == End::time) reader->time_out();
    }
    WEIR_CHECK(whole.done() == other.done() && whole.begun() == other.begun());
    if (whole.done()) WEIR_CHECK(whole.good() == other.good() && whole.warnings() == other.warnings());
  }
}

void check_report(std::string_view stream, std::uint8_t pieces, End end) {
  codec::DeliveryReportReader whole("private/smtp socket"), other = whole;
  feed(whole, stream, 0);
  feed(other, stream, pieces);
  for (auto* reader : {&whole, &other}) {
    if (end == End::file) reader->end_of_file();
    if (end == End::time) reader->time_out();
  }
  WEIR_CHECK(whole.done() == other.done() && whole.complete() == other.complete());
  WEIR_CHECK(whole.report() == other.report() && whole.warnings() == other.warnings());
  if (!whole.done()) return;
  const Delivered delivered = whole.delivered(AgentId{7});
  WEIR_CHECK(delivered == other.delivered(AgentId{7}) && delivered.agent == AgentId{7});
  WEIR_CHECK(delivered.complete == whole.complete());
  WEIR_CHECK(stream.find(delivered.dsn.text) != std::string_view::npos);
  if (!whole.complete()) return;
  codec::DeliveryReportReader again("private/smtp socket");
  const std::string bytes = codec::encode(whole.report());
  WEIR_CHECK(again.feed(bytes) == bytes.size() && again.complete() && again.report() == whole.report());
}

void check_request(std::string_view stream, std::uint8_t pieces) {
  codec::DeliveryRequestReader whole({}, "smtp socket"), other({}, "smtp socket");
  feed(whole, stream, 0);
  feed(other, stream, pieces);
  whole.end_of_file();
  other.end_of_file();
  WEIR_CHECK(whole.done() && other.done());
  WEIR_CHECK(whole.request() == other.request() && whole.failure() == other.failure());
  WEIR_CHECK(whole.warnings() == other.warnings());
  if (!whole.request()) return;
  codec::DeliveryRequestReader again({}, "smtp socket");
  const std::string bytes = codec::encode(*whole.request(), {});
  WEIR_CHECK(again.feed(bytes) == bytes.size() && again.request() == whole.request());
}

void check_times(std::string_view stream) {
  const auto times = codec::decode_message_times(stream.substr(0, codec::kMessageTimesSize));
  if (!times) return;
  WEIR_CHECK(codec::decode_message_times(codec::encode_message_times(*times)) == times);
}

void check_texts(std::string_view stream) {
  WEIR_CHECK(!codec::is_ascii(stream) || codec::is_utf8(stream));
  Recipient recipient;
  recipient.address = stream;
  const std::string verp = codec::verp_sender("owner@example.com", "+=", recipient);
  WEIR_CHECK(verp.size() <= stream.size() + 64);
}

}  // namespace

void run(std::string_view input) {
  Bytes bytes(input);
  const std::uint8_t pieces = bytes.byte();
  const std::uint8_t what = bytes.byte();
  const auto end = static_cast<End>(what / 4 % 3);
  const std::string_view stream = bytes.rest();
  switch (what % 4) {
    case 0: return check_greeting(stream, pieces, end);
    case 1: return check_report(stream, pieces, end);
    case 2: return check_request(stream, pieces);
    default: check_times(stream); return check_texts(stream);
  }
}

}  // namespace weir::fuzz
