#include "postfix/master.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "codec/trigger.hpp"

namespace weir::postfix {

std::optional<std::uint32_t> parse_generation(const char* text) {
  if (text == nullptr) return 0;
  std::uint64_t value = 0;
  for (const char* at = text; *at != '\0'; ++at) {
    if (*at < '0' || *at > '7') return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(*at - '0');
    if (value > UINT32_MAX) return std::nullopt;
  }
  if (*text == '\0') return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

Master::Master(int status_fd, std::uint32_t generation, std::function<void()> gone)
    : fd_(status_fd), generation_(generation), pid_(getpid()), gone_(std::move(gone)) {}

void Master::taken() {
  if (!report(false)) return;
}

void Master::available() {
  if (!report(true)) gone_();
}

void Master::watch(Loop& loop) {
  loop.watch(fd_, Loop::Interest::read, [this] { gone_(); });
}

bool Master::report(bool available) const {
  const std::string record = codec::encode(codec::MasterStatus{pid_, generation_, available});
  ssize_t sent = -1;
  do {
    sent = write(fd_, record.data(), record.size());
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(record.size());
}

}  // namespace weir::postfix
