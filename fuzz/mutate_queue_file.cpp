// Mutates a queue file by records: the framing stays right, and mostly the size record and pointers, too.
//
// `kPrefix` bytes in front of the file are not touched: a target's own choices.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "codec/record.hpp"
#include "fuzz/mutate.hpp"
#include "sim/prng.hpp"

#ifndef WEIR_FUZZ_PREFIX
#define WEIR_FUZZ_PREFIX 0
#endif

namespace {

using weir::codec::append_record;
using weir::codec::wide_number;
using weir::fuzz::below;
using weir::sim::Prng;
namespace record = weir::codec::record;

constexpr std::size_t kPrefix = WEIR_FUZZ_PREFIX;
constexpr std::size_t kRecordsMax = 512;
constexpr int kPlain = 4;
constexpr std::string_view kTypes = "CTcFILSDRO/WVA>K<ionEPreMXNwpf";
constexpr auto kAttributes = std::to_array<std::string_view>({"create_time=1",
                                                              "dsn_orig_rcpt=rfc822;a@example.com",
                                                              "notify_flags=2",
                                                              "notify_flags=1",
                                                              "envelope_id=id",
                                                              "ret_flags=1",
                                                              "encoding=8bit",
                                                              "log_client_name=c",
                                                              "log_client_address=192.0.2.1",
                                                              "log_client_port=25",
                                                              "log_protocol_name=ESMTP",
                                                              "log_helo_name=h",
                                                              "client_name=c",
                                                              "client_address=192.0.2.2",
                                                              "client_port=26",
                                                              "protocol_name=SMTP",
                                                              "helo_name=h",
                                                              "sasl_method=plain",
                                                              "sasl_username=u",
                                                              "sasl_sender=s",
                                                              "log_ident=ID",
                                                              "rewrite_context=remote",
                                                              "trace_flags=1024",
                                                              "trace_flags=256",
                                                              "trace_flags=8192",
                                                              " blank = value "});

struct Piece {
  int type = 0;
  std::string payload;
};

std::vector<Piece> pieces_of(std::string_view bytes) {
  std::vector<Piece> pieces;
  weir::codec::MemoryBytes source(bytes);
  weir::codec::ByteWindow window(source);
  weir::codec::Record found;
  const auto all = [](int) { return true; };
  while (pieces.size() < kRecordsMax && weir::codec::read_record(window, all, found) == weir::codec::RecordStatus::ok) {
    pieces.push_back({found.type, found.payload});
  }
  return pieces;
}

// Offsets of the records, and of the end.
std::vector<std::size_t> offsets_of(const std::vector<Piece>& pieces) {
  std::string bytes;
  std::vector<std::size_t> offsets;
  for (const Piece& piece : pieces) {
    offsets.push_back(bytes.size());
    append_record(bytes, piece.type, piece.payload);
  }
  offsets.push_back(bytes.size());
  return offsets;
}

// Makes the size record tell the truth, but for its flags.
void repair_size(std::vector<Piece>& pieces) {
  if (pieces.empty() || pieces.front().type != record::kSize || pieces.front().payload.size() != 95) return;
  const auto offsets = offsets_of(pieces);
  const auto find = [&pieces](int type) {
    return static_cast<std::size_t>(
        std::find_if(pieces.begin(), pieces.end(), [type](const Piece& piece) { return piece.type == type; }) -
        pieces.begin());
  };
  const std::size_t message = find(record::kMessage), extracted = find(record::kExtracted);
  if (message >= extracted || extracted == pieces.size()) return;
  const auto recipients = std::count_if(pieces.begin(), pieces.end(), [](const Piece& piece) {
    return piece.type == record::kRecipient || piece.type == record::kDone || piece.type == record::kCanceled;
  });
  const auto wide = [](std::size_t value) { return wide_number(static_cast<std::int64_t>(value)); };
  std::string& payload = pieces.front().payload;
  payload.replace(0, 15, wide(offsets[extracted] - offsets[message + 1]));
  payload.replace(16, 15, wide(offsets[message + 1]));
  payload.replace(32, 15, wide_number(recipients));
}

Piece new_piece(Prng& prng, const std::vector<Piece>& pieces) {
  const auto kind = prng.roll(4);
  if (kind == 0) return {record::kAttribute, std::string{kAttributes[below(prng, kAttributes.size())]}};
  if (kind == 1) {  // to where a record begins
    const auto offsets = offsets_of(pieces);
    const auto target = static_cast<std::int64_t>(offsets[below(prng, offsets.size())]);
    return {record::kPointer, wide_number(target)};
  }
  if (kind == 2) return {record::kRecipient, "r" + std::to_string(prng.roll(9)) + "@example.com"};
  const auto type = static_cast<unsigned char>(kTypes[below(prng, kTypes.size())]);
  return {type, prng.one_in(2) ? wide_number(prng.roll(400)) : std::string{}};
}

void change(Prng& prng, std::vector<Piece>& pieces) {
  const std::size_t at = below(prng, pieces.size() + 1);
  const auto place = pieces.begin() + static_cast<std::ptrdiff_t>(at);
  if (at == pieces.size() || prng.one_in(4)) {
    Piece piece = new_piece(prng, pieces);
    pieces.insert(place, std::move(piece));
    return;
  }
  const std::size_t other = below(prng, pieces.size());
  switch (prng.roll(5)) {
    case 0: pieces.erase(place); return;
    case 1: {
      const Piece copy = pieces[other];
      pieces.insert(place, copy);
      return;
    }
    case 2: std::swap(pieces[at], pieces[other]); return;
    case 3: pieces[at].type = static_cast<unsigned char>(kTypes[below(prng, kTypes.size())]); return;
    default: pieces[at].payload = weir::fuzz::mutated(pieces[at].payload, 32); return;
  }
}

std::string bytes_of(Prng& prng, std::vector<Piece>& pieces) {
  if (!prng.one_in(4)) repair_size(pieces);
  std::string bytes;
  for (const Piece& piece : pieces) append_record(bytes, piece.type, piece.payload);
  return bytes;
}

}  // namespace

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  Prng prng(seed);
  return weir::fuzz::mutate_parts(data, size, max_size, kPrefix, prng, kPlain, pieces_of, change, bytes_of);
}
