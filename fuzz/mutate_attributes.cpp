// Mutates an attribute stream by names and values. Two bytes in front of it are a target's own choices.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/mutate.hpp"
#include "sim/prng.hpp"

namespace {

using weir::fuzz::below;
using weir::sim::Prng;

constexpr std::size_t kPrefix = 2;
constexpr std::size_t kTokensMax = 512;
constexpr int kPlain = 3;
constexpr auto kNames = std::to_array<std::string_view>({"protocol",      "status",          "flags",
                                                         "transport",     "nexthop",         "recipient",
                                                         "address",       "request",         "rule",
                                                         "sender",        "diag_type",       "diag_text",
                                                         "mta_type",      "mta_mname",       "action",
                                                         "reason",        "offset",          "size",
                                                         "queue_id",      "queue_name",      "encoding",
                                                         "smtputf8",      "nrequest",        "original_recipient",
                                                         "dsn_orig_rcpt", "notify_flags",    "envelope_id",
                                                         "ret_flags",     "verp_delimiters", "site",
                                                         "time",          "recipient_count", "a"});
constexpr auto kValues = std::to_array<std::string_view>({"",
                                                          "0",
                                                          "1",
                                                          "4096",
                                                          "4294967295",
                                                          "18446744073709551615",
                                                          "-1",
                                                          " +7",
                                                          "x",
                                                          "delivery_request_protocol",
                                                          "delivery_status_protocol",
                                                          "trivial_rewrite_protocol",
                                                          "address_verification_prrotocol",
                                                          "queue_flush_protocol",
                                                          "resolve",
                                                          "rewrite",
                                                          "local",
                                                          "user@example.com",
                                                          "4.4.1",
                                                          "smtp",
                                                          "AAAA",
                                                          "="});

std::vector<std::string> tokens_of(std::string_view stream) {
  std::vector<std::string> tokens;
  while (!stream.empty() && tokens.size() < kTokensMax) {
    const std::size_t nul = std::min(stream.find('\0'), stream.size());
    tokens.emplace_back(stream.substr(0, nul));
    stream.remove_prefix(std::min(nul + 1, stream.size()));
  }
  return tokens;
}

void change(Prng& prng, std::vector<std::string>& tokens) {
  const std::size_t at = below(prng, tokens.size() + 1);
  const auto place = tokens.begin() + static_cast<std::ptrdiff_t>(at);
  if (at == tokens.size() || prng.one_in(4)) {
    const std::string name{kNames[below(prng, kNames.size())]};
    const std::string value{kValues[below(prng, kValues.size())]};
    tokens.insert(place, {name, value});
    return;
  }
  switch (prng.roll(6)) {
    case 0: tokens[at] = weir::fuzz::mutated(tokens[at], 16); return;
    case 1: tokens[at] = kNames[below(prng, kNames.size())]; return;
    case 2: tokens[at] = kValues[below(prng, kValues.size())]; return;
    case 3: tokens.erase(place, place + std::min<std::ptrdiff_t>(2, tokens.end() - place)); return;
    case 4: tokens.insert(place, std::string{}); return;  // the list ends here
    default: {
      const std::size_t other = below(prng, tokens.size());
      std::swap(tokens[at], tokens[other]);
    }
  }
}

std::string bytes_of(Prng& prng, const std::vector<std::string>& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) bytes.append(token).append(1, '\0');
  if (prng.one_in(8) && !bytes.empty()) bytes.pop_back();
  return bytes;
}

}  // namespace

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  Prng prng(seed);
  return weir::fuzz::mutate_parts(data, size, max_size, kPrefix, prng, kPlain, tokens_of, change, bytes_of);
}
