#include "blackbox/stand_in/hub.hpp"

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <utility>

namespace weir::blackbox::stand_in {
namespace {

constexpr int kEventsPerRun = 64;

epoll_event wish(int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return event;
}

}  // namespace

Hub::Hub() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

void Hub::watch(int fd, Callback callback) {
  callbacks_[fd] = std::make_shared<Callback>(std::move(callback));
  epoll_event event = wish(fd, EPOLLIN);
  (void)epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void Hub::watch_output(int fd, bool wanted) {
  epoll_event event = wish(fd, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
  (void)epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Hub::forget(int fd) {
  if (callbacks_.erase(fd) > 0) (void)epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

int Hub::run(std::chrono::milliseconds wait) {
  std::array<epoll_event, kEventsPerRun> events{};
  const int ready = epoll_wait(epoll_.get(), events.data(), kEventsPerRun, static_cast<int>(wait.count()));
  for (int i = 0; i < ready; ++i) {
    // A number that an earlier callback has given to another descriptor: that one looks in vain, which is harmless.
    const auto found = callbacks_.find(events[static_cast<std::size_t>(i)].data.fd);
    if (found == callbacks_.end()) continue;
    const std::shared_ptr<Callback> callback = found->second;  // outlives a forget() from inside
    (*callback)();
  }
  return ready < 0 ? 0 : ready;
}

}  // namespace weir::blackbox::stand_in
