#include "blackbox/stand_in/master.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "codec/trigger.hpp"

namespace weir::blackbox::stand_in {

Master::~Master() {
  if (status_.open()) hub_.forget(status_.get());
}

std::optional<Failure> Master::open(const std::filesystem::path& trigger_socket) {
  std::array<int, 2> pipe_ends{-1, -1};
  std::array<int, 2> status_ends{-1, -1};
  if (pipe2(pipe_ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return Failure{std::strerror(errno)};
  flow_read_.reset(pipe_ends[0]);
  flow_write_.reset(pipe_ends[1]);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, status_ends.data()) != 0) return Failure{std::strerror(errno)};
  status_.reset(status_ends[0]);
  their_status_.reset(status_ends[1]);
  auto made = bind_local(trigger_socket, SOCK_STREAM);
  if (!made) return made.error();
  trigger_socket_ = std::move(*made);
  trigger_path_ = trigger_socket;
  hub_.watch(status_.get(), [this] { read_status(); });
  return std::nullopt;
}

std::vector<Inherited> Master::inheritance() const {
  return {{flow_read_.get(), 3}, {flow_write_.get(), 4}, {their_status_.get(), 5}, {trigger_socket_.get(), 6}};
}

void Master::started(int pid) {
  pid_ = pid;
  their_status_.reset();
}

void Master::trigger(std::string_view bytes) {
  const Descriptor client = connect_local(trigger_path_);
  if (!client.open()) return notes_.misbehaves("does not take triggers");
  if (!bytes.empty()) (void)send(client.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Master::read_status() {
  std::array<char, 4096> room;
  const ssize_t got = recv(status_.get(), room.data(), room.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return hub_.forget(status_.get());
  status_bytes_.append(room.data(), static_cast<std::size_t>(got));
  while (status_bytes_.size() >= codec::kMasterStatusSize && !notes_.misbehaviour) {
    const auto status = codec::decode_master_status(status_bytes_.substr(0, codec::kMasterStatusSize));
    if (!status || status->pid != pid_ || status->generation != kGeneration) {
      notes_.misbehaves("tells master what is no status record of its own: " + excerpt(status_bytes_));
    }
    status_bytes_.erase(0, codec::kMasterStatusSize);
  }
}

}  // namespace weir::blackbox::stand_in
