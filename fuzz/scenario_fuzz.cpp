// scenario: any text as a file of scenarios, any line of it as an input; and any bytes as the words of a line.
//
//   parse_scenarios(x) = s            =>  parse_scenarios(show(s)) = s, and parse_scenario(show(e)) = e for each e of s
//   parse_scenarios(x) refused        =>  "line N: ...", N within x; what is said is one line
//   parse_input(l) = i                =>  show(i) is one line, and parse_input(show(i)) = i
//   memory of parse_scenarios(x)     <=   kMemoryMin + kMemoryPerByte |x|; with short forms of addresses kMemoryMax more
//   split_words(word(b)) = b, split_words(option(n, v)) = n, v, and of addresses(list) = list, whatever the bytes are
#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "blackbox/scenario.hpp"
#include "blackbox/words.hpp"
#include "contract/check.hpp"
#include "fuzz/bytes.hpp"
#include "fuzz/memory.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

using namespace blackbox;

constexpr std::size_t kMemoryMin = 64 * 1024;
constexpr std::size_t kMemoryPerByte = 512;  // a word of one byte is a word, and then an address
constexpr std::size_t kMemoryMax = 8 * kAddressRoomMax;
constexpr std::size_t kListMax = 64;
constexpr std::size_t kWordBytesMax = 400;  // each is written and read many times

bool is_one_line(std::string_view text) { return !text.empty() && text.find('\n') == std::string_view::npos; }

void check_refused(std::string_view input, const std::string& text) {
  constexpr std::string_view kLine = "line ";
  WEIR_CHECK(is_one_line(text) && text.starts_with(kLine));
  long number = -1;
  const auto [end, error] = std::from_chars(text.data() + kLine.size(), text.data() + text.size(), number);
  WEIR_CHECK(error == std::errc() && std::string_view(end).starts_with(": "));
  WEIR_CHECK(number >= (input.empty() ? 0 : 1) && number <= std::count(input.begin(), input.end(), '\n') + 1);
}

void check_file(std::string_view input) {
  const MemoryMeter meter;
  const auto parsed = parse_scenarios(input);
  const bool has_short_forms = input.find("..") != std::string_view::npos;
  WEIR_CHECK(meter.peak() <= kMemoryMin + kMemoryPerByte * input.size() + (has_short_forms ? kMemoryMax : 0));
  if (!parsed) return check_refused(input, parsed.error().text);
  WEIR_CHECK(!parsed->empty());
  const std::string shown = show(*parsed);
  const auto again = parse_scenarios(shown);
  WEIR_CHECK(again && *again == *parsed && show(*again) == shown);
  for (const Scenario& each : *parsed) {
    const auto alone = parse_scenario(show(each));
    WEIR_CHECK(alone && *alone == each);
  }
}

void check_line(std::string_view line) {
  const auto parsed = parse_input(line);
  if (!parsed) {
    WEIR_CHECK(is_one_line(parsed.error().text));
    return;
  }
  const std::string shown = show(*parsed);
  WEIR_CHECK(is_one_line(shown));
  const auto again = parse_input(shown);
  WEIR_CHECK(again && *again == *parsed);
}

// What comes of words that stand behind a keyword.
std::vector<Word> words_of(const std::string& line) {
  const auto words = split_words("keyword" + line);
  WEIR_CHECK(words && !words->empty() && words->front().is("keyword"));
  return {words->begin() + 1, words->end()};
}

void check_words(std::string_view input) {
  constexpr auto kKeywords = std::to_array<std::string_view>({"a", "record"});
  Bytes bytes(input);
  std::vector<std::string> list;
  while (!bytes.empty() && list.size() < kListMax) {
    const std::uint8_t size = bytes.byte();
    const auto first = bytes.byte() % 4 * 5;  // a row of so many
    const std::string text{bytes.take(size)};
    for (int i = 0; i < first; ++i) list.push_back(text + std::to_string(size + i) + text);
    list.push_back(text);
  }
  for (const std::string& text : list) {
    const auto words = words_of(' ' + word(text, kKeywords));
    WEIR_CHECK(words.size() == 1 && words[0].text == text && !words[0].value && !words[0].is("record"));
    const auto options = words_of(' ' + option(text, list.front()));
    WEIR_CHECK(options.size() == 1 && options[0].text == text && options[0].value == list.front());
  }
  std::vector<std::string> read;
  std::size_t room = kAddressRoomMax;
  for (const Word& each : words_of(addresses(list, kKeywords))) {
    WEIR_CHECK(!each.value && !each.is("record") && append_addresses(each, read, room));
  }
  WEIR_CHECK(read == list);
}

}  // namespace

void run(std::string_view input) {
  check_file(input);
  for (std::string_view rest = input; !rest.empty();) {
    const auto length = std::min(rest.find('\n'), rest.size());
    check_line(rest.substr(0, length));
    rest.remove_prefix(std::min(length + 1, rest.size()));
  }
  check_words(input.substr(0, kWordBytesMax));
}

}  // namespace weir::fuzz
