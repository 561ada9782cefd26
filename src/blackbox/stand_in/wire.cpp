#include "blackbox/stand_in/wire.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace weir::blackbox::stand_in {
namespace {

constexpr int kBacklog = 200;
constexpr ssize_t kMuch = 16384;  // bytes; the kernel's buffers are larger

std::optional<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() >= sizeof address.sun_path) return std::nullopt;
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

Failure failure(const std::filesystem::path& path, const char* why) { return {path.string() + ": " + why}; }

}  // namespace

Result<Descriptor> bind_local(const std::filesystem::path& path, int type) {
  const auto address = address_of(path);
  if (!address) return failure(path, "too long for a socket");
  Descriptor made(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.open() || bind(made.get(), generic(*address), sizeof *address) != 0 || chmod(path.c_str(), 0666) != 0 ||
      (type == SOCK_STREAM && listen(made.get(), kBacklog) != 0)) {
    return failure(path, std::strerror(errno));
  }
  return made;
}

Descriptor connect_local(const std::filesystem::path& path) {
  const auto address = address_of(path);
  Descriptor made(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!address || !made.open() || connect(made.get(), generic(*address), sizeof *address) != 0) return {};
  return made;
}

void Wire::watch(Hub::Callback callback) {
  hub_.watch(socket_.get(), [this, callback = std::move(callback)] {
    flush();
    if (open()) callback();
  });
}

Wire::Got Wire::read(std::string& bytes) {
  std::array<char, 65536> room;
  for (;;) {
    const ssize_t got = recv(socket_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (got > 0) {
      if (got >= kMuch) hub_.acted();  // whoever wrote so much may have been waiting for room
      bytes.append(room.data(), static_cast<std::size_t>(got));
      return Got::bytes;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Got::nothing;
    return Got::end;
  }
}

void Wire::write(std::string_view bytes) {
  unwritten_.append(bytes);
  flush();
}

void Wire::flush() {
  if (unwritten_.empty()) return;
  hub_.acted();
  const ssize_t sent = send(socket_.get(), unwritten_.data(), unwritten_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  const bool later = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  if (sent < 0 && !later) unwritten_.clear();  // nobody reads: what is said is lost
  if (sent > 0) unwritten_.erase(0, static_cast<std::size_t>(sent));
  if (unwritten_.empty() && finishing_) return close();
  if (waits_ == unwritten_.empty()) hub_.watch_output(socket_.get(), !unwritten_.empty());
  waits_ = !unwritten_.empty();
}

void Wire::finish() {
  finishing_ = true;
  if (unwritten_.empty()) close();
}

void Wire::close() {
  if (!open()) return;
  hub_.acted();
  hub_.forget(socket_.get());
  socket_.reset();
}

}  // namespace weir::blackbox::stand_in
