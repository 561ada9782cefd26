// main_cf: any text as main.cf, then every value expanded.
//
//   x read into an empty dictionary: every name not empty and without blanks at its ends; values without line breaks
//   "name = value" of all entries, read again                =  the same entries
//   expand(dictionary, value)                                :  at most kExpandedMax bytes, kComplaintsMax warnings,
//                                                               and nothing exactly when there is a fatal
//   expand({}, escape(value))                                =  value,   escape: '$' -> "$$"
//   parse_compatibility_level(value) = n                     =>  n >= 0
#include <string>

#include "codec/main_cf.hpp"
#include "codec/text.hpp"
#include "contract/check.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

constexpr std::size_t kExpandedMax = std::size_t{2} << 20;
constexpr std::size_t kComplaintsMax = 200;

codec::Dictionary read(std::string_view text, codec::Notes& notes) {
  codec::Dictionary dictionary;
  notes = codec::read_main_cf(dictionary, "/etc/postfix/main.cf", text);
  return dictionary;
}

void check_again(const codec::Dictionary& dictionary) {
  std::string text;
  for (const auto& [name, entry] : dictionary.entries()) text += name + " = " + entry.value + "\n";
  codec::Notes notes;
  const codec::Dictionary again = read(text, notes);
  WEIR_CHECK(notes == codec::Notes{});
  WEIR_CHECK(again.entries().size() == dictionary.entries().size());
  for (const auto& [name, entry] : dictionary.entries()) {
    const std::string* value = again.find(name);
    WEIR_CHECK(value != nullptr && *value == entry.value);
  }
}

void check_expansion(const codec::Dictionary& dictionary, const std::string& value) {
  codec::Notes notes;
  const auto expanded = codec::expand(dictionary, value, notes);
  WEIR_CHECK(expanded.has_value() == notes.ok());
  WEIR_CHECK(notes.warnings.size() <= kComplaintsMax);
  if (expanded) WEIR_CHECK(expanded->size() <= kExpandedMax);

  std::string escaped;
  for (const char c : value) escaped += c == '$' ? std::string("$$") : std::string(1, c);
  codec::Notes none;
  WEIR_CHECK(codec::expand({}, escaped, none) == value && none == codec::Notes{});
  if (const auto level = codec::parse_compatibility_level(value)) WEIR_CHECK(*level >= 0);
}

}  // namespace

void run(std::string_view input) {
  codec::Notes notes;
  const codec::Dictionary dictionary = read(input, notes);
  for (const auto& [name, entry] : dictionary.entries()) {
    WEIR_CHECK(!name.empty() && codec::trim(name) == name);
    WEIR_CHECK(codec::trim(entry.value) == entry.value);
    WEIR_CHECK(entry.value.find('\n') == std::string::npos);
  }
  if (notes.ok()) check_again(dictionary);
  // One expansion may look at a quarter of a million references: a few of them are enough for one input.
  int left = 8;
  for (const auto& [name, entry] : dictionary.entries()) {
    if (left-- == 0) break;
    check_expansion(dictionary, entry.value);
  }
}

}  // namespace weir::fuzz
