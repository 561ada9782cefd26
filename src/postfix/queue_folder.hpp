// QueueFolder: the folder in which an entry of a queue stands, reached without following a symbolic link.
//
// The folders of the queues themselves ("deferred") belong to root, and may be links, as they may be for Postfix. Hash
// folders below them belong to mail_owner: one that is no folder is refused, ELOOP for a link, ENOTDIR for anything
// else. What is then done with fd() and name() is done in that folder, whatever has been put in its place meanwhile.
// Tested in tests/postfix/world/queue_folder_test.cpp.
#pragma once

#include <sys/stat.h>

#include <string>

namespace weir::postfix {

class QueueFolder {
 public:
  // `path`, of an entry below the queue directory ("deferred/A/AB12"), must outlive this. An entry that has no hash
  // folder above it costs no system call.
  explicit QueueFolder(const std::string& path);
  ~QueueFolder();
  QueueFolder(const QueueFolder&) = delete;
  QueueFolder& operator=(const QueueFolder&) = delete;

  [[nodiscard]] int error() const { return error_; }  // 0 = it is there
  [[nodiscard]] int fd() const { return fd_; }        // for the ...at() calls; AT_FDCWD if there is no hash folder
  [[nodiscard]] const char* name() const { return name_; }

 private:
  void enter(const std::string& part);

  int fd_;
  int error_ = 0;
  const char* name_;
};

// Opens a folder that stands in another one, for use as `flags` say; -1: errno is as above.
[[nodiscard]] int open_folder(int parent, const char* name, int flags);

// 0, or the error number of a look at the entry itself, be it a link.
[[nodiscard]] int look_without_following(const std::string& path, struct stat& status);

// A link stands where a folder or a file belongs.
[[nodiscard]] bool is_link_in_the_way(int error);

}  // namespace weir::postfix
