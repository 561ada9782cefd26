// QueueScan: the names in a queue directory, one at a time, and what a look at one of them says.
//
// Order is that of readdir(3), depth first; nothing is sorted. A name of one character is a hash directory;
// one that is none is a warning, and passed over (spec/divergences.md). One handle per level, at most
// kDepthMax levels. Paths are relative to the working directory, which is the queue directory.
// Tested in tests/postfix/world/queue_scan_test.cpp.
#pragma once

#include <dirent.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/queue_id.hpp"
#include "contract/event.hpp"
#include "contract/id.hpp"
#include "postfix/voice.hpp"

namespace weir::postfix {

class QueueScan {
 public:
  static constexpr std::size_t kDepthMax = 64;

  // Opens the directory; failure ends the process.
  QueueScan(Voice& voice, Queue queue);

  // The next name that is longer than one character; nothing at the end.
  [[nodiscard]] std::optional<std::string> next();

 private:
  struct CloseDirectory {
    void operator()(DIR* directory) const { closedir(directory); }
  };
  struct Level {
    std::unique_ptr<DIR, CloseDirectory> directory;
    std::string path;
  };

  void descend(const std::string& name, unsigned char type);
  void leave();

  Voice& voice_;
  std::vector<Level> levels_;
};

// What lstat says of the entry `name` of `queue`; trouble with it is logged. `now` is for the age of extra links.
struct FileLook {
  FileState state{};
  Seconds mtime{};
  bool flush_request = false, expire_request = false;
};
[[nodiscard]] FileLook look_at_file(Voice& voice, const codec::QueueHash& hash, Queue queue, std::string_view name,
                                    Seconds now);

}  // namespace weir::postfix
