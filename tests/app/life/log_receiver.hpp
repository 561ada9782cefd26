// A stand-in for postlogd(8): a datagram socket, and the lines that came.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>

namespace weir::testing {

class LogReceiver {
 public:
  explicit LogReceiver(const std::string& path) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    bound_ = bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~LogReceiver() { close(fd_); }
  LogReceiver(const LogReceiver&) = delete;
  LogReceiver& operator=(const LogReceiver&) = delete;

  [[nodiscard]] bool bound() const { return bound_; }

  // The next line that is already there.
  std::optional<std::string> next() {
    char bytes[8192];
    const ssize_t got = recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0) return std::nullopt;
    return std::string(bytes, static_cast<std::size_t>(got));
  }

  // The same without the date in front.
  std::optional<std::string> next_undated() {
    std::optional<std::string> line = next();
    if (line) line->erase(0, std::strlen("Nov 22 09:35:28 "));
    return line;
  }

 private:
  int fd_;
  bool bound_ = false;
};

}  // namespace weir::testing
