// weir cat: what is in queue files, as text or JSON. Tested in tests/app/weir/cat_test.cpp.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "codec/bytes.hpp"

namespace weir::app {

using TimeText = std::function<std::string(std::int64_t seconds)>;

// The text that postcat prints. Damage is told on `errors`, after what could be read.
void print_text(codec::ByteSource& source, const std::string& name, const TimeText& time_text, std::ostream& out,
                std::ostream& errors);

// One JSON object, on one line: the keys of `expect` in the manifest of the recorded queue files, `records`
// ([offset, letter, name, text]; times in UTC), `verdict` ("ok", "incomplete", "corrupt": what the queue manager
// makes of the file) and `reason` (null if ok). Bytes that are not UTF-8 appear as U+FFFD.
// With a `name`, a key `file` in front.
[[nodiscard]] std::string json_text(codec::ByteSource& source, const std::string& name);

struct CatOptions {
  std::vector<std::string> files;  // "-" = standard input
  bool json = false;
};

// The exit status: 1 if some file could not be read, else 0, whatever is in the files.
[[nodiscard]] int cat(const CatOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace weir::app
