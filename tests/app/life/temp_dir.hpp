// A scratch folder that goes away with its owner; its path is short, since sockets live in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace weir::testing {

class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/wlXXXXXX";
    path_ = mkdtemp(name);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace weir::testing
