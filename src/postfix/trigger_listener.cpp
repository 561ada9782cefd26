#include "postfix/trigger_listener.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "codec/log_line.hpp"
#include "codec/trigger.hpp"
#include "contract/check.hpp"
#include "postfix/voice.hpp"

namespace weir::postfix {

namespace {

// Accept errors that say something about one client or one moment, and nothing about us.
bool is_transient(int error) {
  constexpr std::array kTransient{EAGAIN,   ECONNREFUSED, ECONNRESET, EHOSTDOWN, EHOSTUNREACH, EINTR,
                                  ENETDOWN, ENETUNREACH,  ENOTCONN,   ENOBUFS,   ECONNABORTED, EPROTO};
  return std::ranges::find(kTransient, error) != kTransient.end();
}

bool must_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

void set_nonblocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

// One read; nothing = not yet. A client in trouble counts as one that sent no byte.
//= R-TRG-12
std::optional<std::string> read_once(int fd) {
  std::string bytes(codec::kTriggerMax, '\0');
  const ssize_t got = read(fd, bytes.data(), bytes.size());
  if (got < 0 && must_wait()) return std::nullopt;
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

// The descriptor that comes over a connection; nothing = not yet, -1 = there is none.
std::optional<int> receive_descriptor(int connection) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_LEN(sizeof(int));  // the padding behind it would hold a second one
  if (recvmsg(connection, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0) {
    if (must_wait()) return std::nullopt;
    return -1;
  }
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return -1;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

}  // namespace

TriggerListener::TriggerListener(Loop& loop, LogSink& log, Master& master, Kind kind, int first, int count,
                                 Handler handler)
    : loop_(loop), log_(log), master_(master), kind_(kind), first_(first), count_(count), handler_(std::move(handler)) {
  for (int fd = first_; fd < first_ + count_; ++fd) {
    set_nonblocking(fd);  // another process of the same service may be faster
    if (kind_ == Kind::pipe) {
      loop_.watch(fd, Loop::Interest::read, [this, fd] { read_pipe(fd); });
    } else {
      loop_.watch(fd, Loop::Interest::read, [this, fd] { accept_one(fd); });
    }
  }
}

TriggerListener::~TriggerListener() {
  while (!silent_.empty()) drop(silent_.front().fd);
  for (int fd = first_; fd < first_ + count_; ++fd) loop_.forget(fd);
}

void TriggerListener::accept_one(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) {
    look(Client{fd, kind_ == Kind::passed_on, 0});
  } else if (!is_transient(errno)) {
    log_.error(codec::line::accept_failed(reason_of(errno)).text);
  }
}

// Most clients have sent their bytes by now: looking at once saves a round of the loop.
void TriggerListener::look(Client client) {
  if (client.sends_descriptor) {
    const std::optional<int> passed = receive_descriptor(client.fd);
    if (!passed) return wait_for(client);
    close(client.fd);
    if (*passed < 0) return;
    set_nonblocking(*passed);
    return look(Client{*passed, false, 0});
  }
  std::optional<std::string> bytes = read_once(client.fd);
  if (!bytes) return wait_for(client);
  serve(std::move(*bytes));
  close(client.fd);
}

void TriggerListener::read_pipe(int fd) {
  std::optional<std::string> bytes = read_once(fd);
  if (bytes) serve(std::move(*bytes));
}

//= R-SEC-02
//= R-SEC-03
void TriggerListener::wait_for(Client client) {
  if (silent_.size() == kMaxSilent) drop(silent_.front().fd);
  const int fd = client.fd;
  client.timer = loop_.after(kPatience, [this, fd] { drop(fd); });
  loop_.watch(fd, Loop::Interest::read, [this, fd] { heard(fd); });
  silent_.push_back(client);
}

void TriggerListener::heard(int fd) { look(take_out(fd)); }

void TriggerListener::drop(int fd) { close(take_out(fd).fd); }

TriggerListener::Client TriggerListener::take_out(int fd) {
  const auto found = std::ranges::find(silent_, fd, &Client::fd);
  WEIR_CHECK(found != silent_.end());
  Client client = *found;
  silent_.erase(found);
  loop_.cancel(std::exchange(client.timer, 0));
  loop_.forget(fd);
  return client;
}

void TriggerListener::serve(std::string bytes) {
  master_.taken();
  handler_(std::move(bytes));
  master_.available();
}

}  // namespace weir::postfix
