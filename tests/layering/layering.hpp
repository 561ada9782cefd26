// Which room may include which, read from the sources: a header-only leak links without complaint, so the
// linker cannot hold this. The table is that of spec/architecture.md.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace weir::layering {

struct Violation {
  std::string file;  // relative to the root
  int line = 0;
  std::string why;

  friend bool operator==(const Violation&, const Violation&) = default;
};

struct Verdict {
  std::vector<Violation> violations;
  int files = 0;     // looked at
  int includes = 0;  // judged
};

// Judges every .hpp and .cpp below `root`, a checkout of the project or something shaped like it.
[[nodiscard]] Verdict judge(const std::filesystem::path& root);

// The text with comments, string and character literals blanked out, line breaks kept. Quoted includes stay.
[[nodiscard]] std::string code_only(const std::string& text);

}  // namespace weir::layering
