#include "postfix/queue_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace weir::postfix {

int open_folder(int parent, const char* name, int flags) {
  const int fd = openat(parent, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0 || errno != ENOTDIR) return fd;
  struct stat status {};
  const bool is_link = fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
  errno = is_link ? ELOOP : ENOTDIR;
  return -1;
}

bool is_link_in_the_way(int error) { return error == ELOOP; }

int look_without_following(const std::string& path, struct stat& status) {
  const QueueFolder folder(path);
  if (folder.error() != 0) return folder.error();
  return fstatat(folder.fd(), folder.name(), &status, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

QueueFolder::QueueFolder(const std::string& path) : fd_(AT_FDCWD), name_(path.c_str()) {
  const auto queue_ends = path.find('/');
  if (queue_ends == std::string::npos) return;
  // The first hash folder is reached through the queue's own, the others one by one.
  std::string::size_type begin = 0;
  for (auto end = path.find('/', queue_ends + 1); end != std::string::npos; end = path.find('/', begin)) {
    enter(path.substr(begin, end - begin));
    if (error_ != 0) return;
    begin = end + 1;
    name_ = path.c_str() + begin;
  }
}

QueueFolder::~QueueFolder() {
  if (fd_ >= 0) close(fd_);
}

void QueueFolder::enter(const std::string& part) {
  const int next = open_folder(fd_, part.c_str(), O_PATH);
  if (next < 0) error_ = errno;
  if (fd_ >= 0) close(fd_);
  fd_ = next;
}

}  // namespace weir::postfix
