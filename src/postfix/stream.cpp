#include "postfix/stream.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace weir::postfix {

namespace {

constexpr std::size_t kReadSize = 65536;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

//= R-SEC-04
Connection connect_local(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return {-1, ENAMETOOLONG};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return {-1, errno};
  int result = 0;
  do {
    result = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return {fd, 0};
  const int error = errno;
  close(fd);
  return {-1, error};
}

Stream::~Stream() {
  loop_.cancel(limit_);
  loop_.forget(fd_);
  close(fd_);
}

Stream::Read Stream::read(std::string& into) {
  static std::array<char, kReadSize> buffer;
  ssize_t got = 0;
  do {
    got = ::read(fd_, buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    into.append(buffer.data(), static_cast<std::size_t>(got));
    return Read::some;
  }
  if (got < 0 && would_block(errno)) return Read::nothing_yet;
  error_ = got < 0 ? errno : 0;
  return Read::end;
}

Stream::Send Stream::send(std::string_view bytes, Sent sent) {
  unsent_.append(bytes);
  sent_ = std::move(sent);
  if (!push()) {
    drop_unsent();
    return Send::failed;
  }
  if (!sending()) return Send::done;
  loop_.watch(
      fd_, Loop::Interest::write, [this] { continue_sending(); }, peer_);
  return Send::pending;
}

bool Stream::push() {
  while (sent_bytes_ < unsent_.size()) {
    const ssize_t took = ::send(fd_, unsent_.data() + sent_bytes_, unsent_.size() - sent_bytes_, MSG_NOSIGNAL);
    if (took >= 0) {
      sent_bytes_ += static_cast<std::size_t>(took);
    } else if (would_block(errno)) {
      return true;
    } else if (errno != EINTR) {
      error_ = errno;
      return false;
    }
  }
  drop_unsent();
  return true;
}

void Stream::drop_unsent() {
  unsent_.clear();
  sent_bytes_ = 0;
}

void Stream::continue_sending() {
  const bool good = push();
  if (good && sending()) return;
  drop_unsent();
  resume_reading();
  const Sent sent = std::move(sent_);
  const int error = good ? 0 : error_;
  if (sent) sent(error);
}

void Stream::on_readable(Loop::Callback callback) {
  readable_ = std::move(callback);
  if (!sending()) resume_reading();
}

void Stream::resume_reading() {
  if (readable_) {
    loop_.watch(fd_, Loop::Interest::read, readable_, peer_);
  } else {
    loop_.forget(fd_);
  }
}

void Stream::set_limit(Seconds limit, Loop::Callback callback) {
  loop_.cancel(limit_);
  limit_ = loop_.after(limit, std::move(callback));
}

void Stream::clear_limit() {
  loop_.cancel(limit_);
  limit_ = 0;
}

}  // namespace weir::postfix
