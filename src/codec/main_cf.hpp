// main.cf: its lines, the dictionary of raw values they fill, and the expansion language of those values.
//
// Promises: the dictionary holds text as it was written; `$name` is looked up at the moment of use and sees only
// what stands in the dictionary then. Nothing here opens a file; warnings and the fatal text are given back in
// the words that belong into the log. Tested in tests/codec/config/main_cf_test.cpp and expand_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::codec {

// What a step of the configuration has to say. After `fatal` the process logs the warnings, then the fatal
// text, and ends; nothing else of the step's result may be used.
struct Notes {
  std::vector<std::string> warnings;
  std::optional<std::string> fatal;

  void warn(std::string text) { warnings.push_back(std::move(text)); }
  void append(Notes later);
  [[nodiscard]] bool ok() const { return !fatal.has_value(); }

  friend bool operator==(const Notes&, const Notes&) = default;
};

// Who set a value, for those who want to tell.
struct Origin {
  enum class From : std::uint8_t { program, built_in, main_cf, command_line };

  From from = From::program;  // built_in: a default that was taken because nobody had set the parameter
  std::uint32_t place = 0;    // main_cf: the first line of the setting; command_line: the number of the argument

  friend bool operator==(const Origin&, const Origin&) = default;
};

// Raw values by name, in the order of their names.
class Dictionary {
 public:
  struct Entry {
    std::string value;
    Origin origin;
  };

  void set(std::string_view name, std::string_view value, Origin origin = {});
  void set_default(std::string_view name, std::string_view value);  // only if the name is not there yet
  [[nodiscard]] const std::string* find(std::string_view name) const;
  [[nodiscard]] const Entry* entry(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

// "name = value" or "name=value" in its two parts.
struct Setting {
  std::string name;
  std::string value;

  friend bool operator==(const Setting&, const Setting&) = default;
};

// One logical line or one -o argument. The failure is the bare reason, such as
//   missing '=' after attribute name: "foo bar"
struct SplitSetting {
  Setting setting;
  std::string failure;  // empty = good
};
[[nodiscard]] SplitSetting split_setting(std::string_view line);

// Reads the text of the file `path` (the name is for messages) into the dictionary.
[[nodiscard]] Notes read_main_cf(Dictionary& dictionary, const std::string& path, std::string_view text);

// The text with all its $name, ${...} and $(...) replaced; nothing after a macro error, which is in `notes`.
[[nodiscard]] std::optional<std::string> expand(const Dictionary& dictionary, std::string_view text, Notes& notes);

// major[.minor[.patch]] in one comparable number; nothing if malformed.
[[nodiscard]] std::optional<long> parse_compatibility_level(std::string_view text);

}  // namespace weir::codec
