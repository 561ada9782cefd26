// The log daemon's socket.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "blackbox/stand_in/hub.hpp"
#include "blackbox/stand_in/notes.hpp"
#include "blackbox/stand_in/wire.hpp"
#include "contract/result.hpp"

namespace weir::blackbox::stand_in {

class Log {
 public:
  // `root`: the scratch folder, as it appears in lines.
  // `tag`: that lines usually bear; another one is shown.
  Log(Hub& hub, Notes& notes, std::string root, std::string tag, bool show_allocate, std::uint64_t lines_max);
  ~Log();

  [[nodiscard]] std::optional<Failure> listen(const std::filesystem::path& path);
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] bool last_words() const { return last_words_; }  // a line said that the program ends now

 private:
  void serve();
  void take(std::string line);
  [[nodiscard]] bool worth_showing(std::string_view text) const;

  Hub& hub_;
  Notes& notes_;
  std::string root_, tag_;
  bool show_allocate_;
  std::uint64_t lines_max_;
  std::uint64_t bytes_ = 0;
  Descriptor socket_;
  std::vector<std::string> lines_;
  bool last_words_ = false;
};

}  // namespace weir::blackbox::stand_in
