// options: any words as the command line of a daemon; any text as a version of Postfix, or as master's generation.
//
//   parse_options(words) = o          :   each setting stands where it says; without a fatal, no word is lost:
//                                         what is not an option and not its value is left over
//   parse_options(words + word)       =   parse_options(words) and something more, or the same fatal
//   base_name(x)                      :   the end of x, without '/' before its last byte
//   parse_mail_version(x) = v         =>  dialect_for(v) is known <=> 3.5 <= v <= 3.12, whatever its patch
//   parse_generation(x)               =   reference(x)
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "codec/options.hpp"
#include "codec/version.hpp"
#include "contract/check.hpp"
#include "fuzz/target.hpp"
#include "postfix/master.hpp"

namespace weir::fuzz {
namespace {

constexpr std::size_t kWordsMax = 64;

std::vector<std::string> words_of(std::string_view input) {
  std::vector<std::string> words;
  while (!input.empty() && words.size() < kWordsMax) {
    const auto length = std::min(input.find('\n'), input.size());
    words.emplace_back(input.substr(0, length));
    input.remove_prefix(std::min(length + 1, input.size()));
  }
  return words;
}

template <class T>
bool begins_with(const std::vector<T>& all, const std::vector<T>& front) {
  return all.size() >= front.size() && std::equal(front.begin(), front.end(), all.begin());
}

void check_options(const std::vector<std::string>& words) {
  const codec::ParsedOptions parsed = codec::parse_options(words);
  const codec::Options& options = parsed.options;
  WEIR_CHECK(options.settings.size() == options.setting_places.size());
  for (const std::size_t place : options.setting_places) WEIR_CHECK(place > 0 && place < words.size());
  WEIR_CHECK(std::is_sorted(options.setting_places.begin(), options.setting_places.end()));
  for (const std::string& word : options.left_over)
    WEIR_CHECK(std::find(words.begin(), words.end(), word) != words.end());
  WEIR_CHECK(!parsed.fatal || !parsed.fatal->empty());
  (void)codec::start_failure(options);
  (void)codec::left_over_failure(options);
  if (words.size() < 2) return;
  const codec::ParsedOptions before = codec::parse_options({words.begin(), words.end() - 1});
  const bool wanted_more = before.fatal && !parsed.fatal;  // the last option had no value yet
  WEIR_CHECK(wanted_more || begins_with(options.settings, before.options.settings));
  WEIR_CHECK(options.verbose >= before.options.verbose);
}

void check_base_name(const std::string& text) {
  const std::string base = codec::base_name(text);
  WEIR_CHECK(base.size() <= std::max<std::size_t>(text.size(), 1));
  WEIR_CHECK(base.find('/') >= base.size() - 1 || base.empty());
}

void check_version(std::string_view text) {
  const auto version = codec::parse_mail_version(text);
  if (!version) return;
  WEIR_CHECK(version->major >= 0 && version->minor >= 0 && version->patch >= 0 && version->snapshot >= 0);
  const bool known = version->major == 3 && version->minor >= 5 && version->minor <= 12;
  WEIR_CHECK(codec::dialect_for(*version).known == known);
}

// What the C library makes of octal digits.
void check_generation(const std::string& text) {
  const auto generation = postfix::parse_generation(text.c_str());
  const std::string seen = text.c_str();
  const bool digits = !seen.empty() && seen.find_first_not_of("0123456789") == std::string::npos;
  WEIR_CHECK(generation.has_value() == digits);
  if (!digits) return;
  const unsigned long long value = std::strtoull(seen.c_str(), nullptr, 8);
  WEIR_CHECK(*generation == std::min<unsigned long long>(value, 0xffffffffULL));
}

}  // namespace

void run(std::string_view input) {
  const std::vector<std::string> words = words_of(input);
  check_options(words);
  for (const std::string& word : words) {
    check_base_name(word);
    check_version(word);
    check_generation(word);
  }
}

}  // namespace weir::fuzz
