#include "postfix/master.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "codec/trigger.hpp"

namespace weir::postfix {

std::optional<std::uint32_t> parse_generation(const char* text) {
  if (text == nullptr) return 0;
  const std::string_view digits = text;
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  for (const char digit : digits.substr(0, digits.find_first_of("89"))) {
    value = std::min<std::uint64_t>(value * 8 + static_cast<std::uint64_t>(digit - '0'), UINT32_MAX);
  }
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
