// A folder of its own for targets whose subject reads files or listens on sockets: one a process, removed at its end.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "contract/check.hpp"

namespace weir::fuzz {

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "weir-fuzz-XXXXXX";
    WEIR_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void write(const char* name, std::string_view bytes) const {
    std::ofstream out(path_ / name, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush();
    WEIR_CHECK(out.good());
  }

 private:
  std::filesystem::path path_;
};

}  // namespace weir::fuzz
