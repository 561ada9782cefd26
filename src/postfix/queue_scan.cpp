#include "postfix/queue_scan.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "postfix/queue_folder.hpp"

namespace weir::postfix {

namespace {

constexpr Seconds kLinkGrace{60};  // a second link of a file that is just being moved is normal

// An entry that is no directory, or that somebody has just removed: no reason to stop.
bool is_fault_of_entry(int error) { return is_link_in_the_way(error) || error == ENOTDIR || error == ENOENT; }

bool may_be_directory(unsigned char type) { return type == DT_DIR || type == DT_LNK || type == DT_UNKNOWN; }

// What readdir() reads, without following a link; nullptr: errno says why.
DIR* open_directory(DIR* parent, const char* name) {
  const int fd = open_folder(dirfd(parent), name, O_RDONLY);
  if (fd < 0) return nullptr;
  DIR* const directory = fdopendir(fd);
  if (directory == nullptr) close(fd);
  return directory;
}

}  // namespace

QueueScan::QueueScan(Voice& voice, Queue queue) : voice_(voice) {
  std::string path{to_string(queue)};
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) voice_.die(codec::line::open_directory_failed(path, reason_of(errno)));
  levels_.push_back(Level{std::unique_ptr<DIR, CloseDirectory>(directory), std::move(path)});
}

std::optional<std::string> QueueScan::next() {
  while (!levels_.empty()) {
    const dirent* entry = readdir(levels_.back().directory.get());
    if (entry == nullptr) {
      leave();
      continue;
    }
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (name.size() > 1) return name;
    descend(name, entry->d_type);
  }
  return std::nullopt;
}

void QueueScan::descend(const std::string& name, unsigned char type) {
  std::string path = levels_.back().path + "/" + name;
  DIR* directory = nullptr;
  int error = ENOTDIR;
  if (levels_.size() >= kDepthMax) {
    error = ELOOP;
  } else if (may_be_directory(type)) {
    directory = open_directory(levels_.back().directory.get(), name.c_str());
    error = errno;
  }
  if (directory != nullptr) {
    levels_.push_back(Level{std::unique_ptr<DIR, CloseDirectory>(directory), std::move(path)});
    return;
  }
  const codec::LogLine line = codec::line::open_directory_failed(path, reason_of(error));
  if (!is_fault_of_entry(error)) voice_.die(line);
  voice_.warn(line.text);
}

void QueueScan::leave() {
  Level level = std::move(levels_.back());
  levels_.pop_back();
  if (closedir(level.directory.release()) != 0) {
    voice_.die(codec::line::close_directory_failed(level.path, reason_of(errno)));
  }
}

FileLook look_at_file(Voice& voice, const codec::QueueHash& hash, Queue queue, std::string_view name, Seconds now) {
  FileLook look;
  if (!codec::is_queue_id(name)) {
    look.state = FileState::invalid_name;
    return look;
  }
  const std::string path = hash.path(to_string(queue), name);
  struct stat status {};
  if (const int error = look_without_following(path, status); error != 0) {
    look.state = error == ENOENT ? FileState::vanished : FileState::not_regular;
    if (error != ENOENT) voice.say(codec::line::lstat_failed(path, reason_of(error)));
    return look;
  }
  if (!S_ISREG(status.st_mode)) {
    look.state = FileState::not_regular;
    voice.say(codec::line::not_a_regular_file(path, static_cast<std::int64_t>(status.st_uid)));
    return look;
  }
  if ((status.st_mode & S_IRWXU) != S_IRWXU) {
    look.state = FileState::not_ready;
    return look;
  }
  if (status.st_nlink > 1 && Seconds{status.st_ctim.tv_sec} < now - kLinkGrace) {
    voice.say(codec::line::has_links(path, static_cast<std::int64_t>(status.st_uid),
                                     static_cast<std::int64_t>(status.st_nlink)));
  }
  look.state = FileState::ready;
  look.mtime = Seconds{status.st_mtim.tv_sec};
  look.flush_request = (status.st_mode & S_IRGRP) != 0;
  look.expire_request = (status.st_mode & S_IXGRP) != 0;
  return look;
}

}  // namespace weir::postfix
