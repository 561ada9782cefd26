// Queue IDs and the paths of queue files. Rules: spec/queue_file.md. Tested in tests/codec/queue/queue_id_test.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::codec {

// 1 ... 255 ASCII letters, digits, '_'. Nothing else about an ID matters, but for hashing.
[[nodiscard]] bool is_queue_id(std::string_view name);

// 1 ... 100 ASCII letters or digits.
[[nodiscard]] bool is_queue_name(std::string_view name);

// An ID of the long form (enable_long_queue_ids), as far as hashing goes: its last 'z' has ten characters before it.
[[nodiscard]] bool is_long_queue_id(std::string_view id);

// The two forms, for whoever makes IDs. `micros` is 0 ... 999999.
[[nodiscard]] std::string short_queue_id(std::int64_t micros, std::uint64_t inode);
[[nodiscard]] std::string long_queue_id(std::int64_t seconds, std::int64_t micros, std::uint64_t inode);

// Which queues have hash directories, and how many levels of them.
class QueueHash {
 public:
  static constexpr int kDepthMax = 32;  // more is cut to this: paths stay bounded

  QueueHash() : QueueHash("deferred, defer", 1) {}
  // `names`: hash_queue_names, split at commas and white space. A depth below one counts as one.
  QueueHash(std::string_view names, int depth);

  [[nodiscard]] bool hashes(std::string_view queue) const;

  // "deferred/C/CF51DA74083": relative to the queue directory.
  [[nodiscard]] std::string path(std::string_view queue, std::string_view id) const;

 private:
  std::vector<std::string> names_;  // lower case
  int depth_ = 1;
};

}  // namespace weir::codec
