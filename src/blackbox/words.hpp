// The words that lines of a scenario consist of (spec/oracle.md). A word stands between spaces; one with other bytes
// than visible ASCII in it, or which would mean something else, is quoted: "..." with \" \\ \n \xNN. A quoted word is
// never a keyword, an option or a range. Lists of addresses have a short form: a1..a100@d1.t1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/result.hpp"

namespace weir::blackbox {

// What the words of one line may stand for: so many addresses, and so much memory for them; a file the same memory.
inline constexpr std::size_t kAddressesMax = 100'000;
inline constexpr std::size_t kAddressRoomMax = std::size_t{8} << 20;  // bytes

// "\n" and "\xNN" for what is not printable ASCII; nothing else is touched.
[[nodiscard]] std::string printable(std::string_view bytes);

using Keywords = std::span<const std::string_view>;

// As a word; quoted if it must be, or if it is one of the keywords of its place.
[[nodiscard]] std::string word(std::string_view bytes, Keywords keywords = {});

// NAME=VALUE.
[[nodiscard]] std::string option(std::string_view name, std::string_view value);

// A list of addresses as words, each after a space; rows of three and more numbered ones in the short form.
[[nodiscard]] std::string addresses(const std::vector<std::string>& list, Keywords keywords = {});

// One word of a line.
struct Word {
  std::string text;                  // without quotes; of an option, the name
  std::optional<std::string> value;  // of an option
  bool quoted = false;               // the text was
  [[nodiscard]] bool is(std::string_view keyword) const { return !quoted && !value && text == keyword; }
};
[[nodiscard]] Result<std::vector<Word>> split_words(std::string_view line);

// What an address takes in memory.
[[nodiscard]] inline std::size_t room_of(std::string_view address) { return sizeof(std::string) + address.size(); }

// The addresses that a word stands for, appended, and taken from `room`; false: there are more than kAddressesMax, or
// not enough room.
[[nodiscard]] bool append_addresses(const Word& word, std::vector<std::string>& list, std::size_t& room);

// A decimal number within bounds.
[[nodiscard]] std::optional<std::int64_t> number_of(std::string_view text, std::int64_t least, std::int64_t most);

}  // namespace weir::blackbox
