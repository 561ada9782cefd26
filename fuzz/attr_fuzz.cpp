// attr: attribute streams.
//
//   x = (pieces, wants, stream)
//   AttrReader(wants) over any pieces of stream, then end of file  =  reference::read(stream, wants)
//   parse_attr_list(stream) = (list, n)  <=>  reference::first_list(stream) = (list, n)
//   parse_attr_list(write(list))         =    (list, |write(list)|)
//   base64_decode(base64_encode(s)) = s;      base64_decode(s) = d and s canonical  =>  base64_encode(d) = s
//   parse_attr_number(s)                 =    reference::number(s)
#include <string>
#include <vector>

#include "codec/attr.hpp"
#include "contract/check.hpp"
#include "fuzz/bytes.hpp"
#include "fuzz/reference/attributes.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

using reference::Type;
using reference::Want;

// What peers send: answers of the resolver, of agents and of services, a greeting; and nothing.
const std::vector<std::vector<Want>>& wishes() {
  static const std::vector<std::vector<Want>> kWishes = {
      {},
      {{"protocol"}},
      {{"status", Type::number}},
      {{"flags", Type::number}, {"transport"}, {"nexthop"}, {"recipient"}, {"flags", Type::number}},
      {{"status"}, {"diag_type"}, {"reason"}, {"status", Type::number}},
      {{"offset", Type::long_number}, {"size", Type::long_number}, {"a"}},
  };
  return kWishes;
}

codec::AttrType type_of(Type type) {
  switch (type) {
    case Type::text: return codec::AttrType::text;
    case Type::number: return codec::AttrType::number;
    case Type::long_number: return codec::AttrType::long_number;
  }
  return codec::AttrType::text;
}

void check_reader(const std::vector<Want>& wants, std::uint8_t pieces, const std::string& stream) {
  std::vector<codec::AttrWant> wanted;
  for (const Want& want : wants) wanted.push_back({want.name, type_of(want.type)});
  codec::AttrReader reader(wanted, "private/peer socket");
  std::size_t used = 0;
  in_pieces(stream, pieces, [&](std::string_view piece) {
    const bool was_done = reader.done();
    const std::size_t taken = reader.feed(piece);
    WEIR_CHECK(taken <= piece.size() && (!was_done || taken == 0) && (reader.done() || taken == piece.size()));
    used += taken;
  });
  reader.end_of_file();
  WEIR_CHECK(reader.done());
  const reference::Reading expected = reference::read(stream, wants);
  WEIR_CHECK(reader.result() == expected.result);
  WEIR_CHECK(reader.in_step() == expected.in_step);
  WEIR_CHECK(reader.warnings().size() == static_cast<std::size_t>(expected.warnings));
  WEIR_CHECK(reader.complete() == (expected.result == static_cast<int>(wants.size())));
  WEIR_CHECK(reader.untouched() == (used == 0));
  for (std::size_t i = 0; i < wants.size(); ++i) {
    const bool came = i < expected.values.size();
    WEIR_CHECK(reader.value(i).read == came);
    if (!came) continue;
    WEIR_CHECK(reader.value(i).text == expected.values[i]);
    WEIR_CHECK(reader.value(i).number == expected.numbers[i]);
  }
}

void check_any_list(std::uint8_t pieces, const std::string& stream) {
  const auto parsed = codec::parse_attr_list(stream);
  const auto expected = reference::first_list(stream);
  WEIR_CHECK(parsed.has_value() == expected.has_value());
  if (!parsed) return;
  WEIR_CHECK(parsed->list == expected->attributes);
  WEIR_CHECK(parsed->size == expected->size);

  codec::AttrWriter writer;
  for (const auto& [name, value] : parsed->list) writer.text(name, value);
  writer.end();
  WEIR_CHECK(writer.bytes() == stream.substr(0, parsed->size));

  codec::AttrListReader reader;
  in_pieces(stream, pieces, [&](std::string_view piece) { (void)reader.feed(piece); });
  WEIR_CHECK(reader.done() && !reader.failed() && reader.list() == parsed->list);
}

void check_values(const std::string& text) {
  WEIR_CHECK(codec::base64_decode(codec::base64_encode(text)) == text);
  // Bits that the padding leaves over are not looked at: what is decoded is what counts.
  if (const auto bytes = codec::base64_decode(text)) {
    WEIR_CHECK(codec::base64_decode(codec::base64_encode(*bytes)) == bytes);
    WEIR_CHECK(codec::base64_encode(*bytes).size() == text.size());
  }
  WEIR_CHECK(codec::parse_attr_number(text) == reference::number(text));
}

}  // namespace

void run(std::string_view input) {
  Bytes bytes(input);
  const std::uint8_t pieces = bytes.byte();
  const auto wish = bytes.below(static_cast<std::uint32_t>(wishes().size()));
  const std::string stream{bytes.rest()};
  check_reader(wishes().at(wish), pieces, stream);
  check_any_list(pieces, stream);
  for (const std::string& token : reference::cut(stream).whole) check_values(token);
}

}  // namespace weir::fuzz
