// The files of one subject: main.cf, a queue directory, the queue files in it, and where they are.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "blackbox/descriptor.hpp"
#include "blackbox/input.hpp"
#include "blackbox/observation.hpp"
#include "codec/delivery.hpp"
#include "codec/queue_id.hpp"
#include "contract/result.hpp"

namespace weir::blackbox {

// Whose the files are; without, they stay ours.
struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};

class Scratch {
 public:
  // Makes the folder, which must not be there, and all below it.
  static Result<std::unique_ptr<Scratch>> make(const std::filesystem::path& root, std::optional<Owner> owner,
                                               const std::map<std::string, std::string>& main_cf);
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();  // removes it

  [[nodiscard]] static std::filesystem::path configuration(const std::filesystem::path& root) { return root / "e"; }
  [[nodiscard]] static std::filesystem::path data(const std::filesystem::path& root) { return root / "d"; }
  [[nodiscard]] static std::filesystem::path queue(const std::filesystem::path& root) { return root / "q"; }

  [[nodiscard]] bool knows(const std::string& message) const { return files_.contains(message); }
  // `now` and all times: virtual seconds. False: the file cannot be made.
  [[nodiscard]] bool put(const NewMessage& message, std::int64_t now);
  [[nodiscard]] bool put_bounce_log(const std::string& message);  // false: there is no such message any more
  void remove_bounce_log(const std::string& id);
  [[nodiscard]] bool cut(const std::string& message, std::int64_t now);  // its second half; false: as above
  [[nodiscard]] bool hold(const std::string& message);     // false: it is in neither incoming nor deferred
  [[nodiscard]] bool release(const std::string& message);  // to deferred; false: it is not in hold

  // What a request says of file and content is so.
  [[nodiscard]] bool agrees(const codec::DeliveryRequest& request) const;

  enum class Marked { all, no_file, nonsense };  // nonsense: no queue id, or no recipient where one should be
  // As agents do: all recipients of the request.
  [[nodiscard]] Marked mark_done(const codec::DeliveryRequest& request, std::int64_t now);

  // Files that are in another place than at the last look.
  [[nodiscard]] std::vector<Moved> moves(std::int64_t now);
  [[nodiscard]] std::uint64_t bytes_used() const;

 private:
  Scratch(std::filesystem::path root, std::optional<Owner> owner) : root_(std::move(root)), owner_(owner) {}

  [[nodiscard]] std::optional<Failure> make_folders();
  [[nodiscard]] std::optional<Failure> write_main_cf(const std::map<std::string, std::string>& parameters);
  void watch_queues();
  void read_changes();
  [[nodiscard]] Moved look_for(const std::string& message, std::int64_t now) const;
  [[nodiscard]] std::filesystem::path path_of(std::string_view queue, const std::string& id) const;
  [[nodiscard]] bool move(const std::string& message, std::string_view from, std::string_view to);
  void make_folder_of(const std::filesystem::path& path) const;
  [[nodiscard]] bool write_file(const std::filesystem::path& path, std::string_view bytes, unsigned mode,
                                std::int64_t now) const;

  std::filesystem::path root_;
  std::optional<Owner> owner_;
  codec::QueueHash hash_{"", 1};
  struct File {
    std::string place;  // at the last look; empty: none yet
    std::optional<std::pair<std::int64_t, std::int64_t>>
        content;  // offset and size, where no further record may change it
    bool is_cut = false;
  };
  std::map<std::string, File> files_;  // by message
  Descriptor changes_;                 // of the queues, as the kernel tells
  std::set<std::string> changed_;
  bool look_everywhere_ = false;  // there are folders that are not watched
};

}  // namespace weir::blackbox
