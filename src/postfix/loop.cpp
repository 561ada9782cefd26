#include "postfix/loop.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "contract/check.hpp"
#include "postfix/clock.hpp"

namespace weir::postfix {

namespace {

constexpr int kEventsPerRound = 100;
constexpr Seconds kJump{2};  // a clock that goes back by less does not matter to whole seconds

// A descriptor number may be in use again before the kernel's batch has been worked off: each watch has a
// mark of its own, and the kernel hands it back with the event.
struct Watch {
  std::uint32_t mark = 0;
  bool active = false;
  Loop::Interest interest{};
  Loop::Peer peer{};
  std::uint64_t served_in = 0;  // the round in which serve_services() did so last
  std::shared_ptr<Loop::Callback> callback;
};

std::uint64_t tag(std::uint32_t mark, int fd) { return (std::uint64_t{mark} << 32) | static_cast<std::uint32_t>(fd); }

short poll_events(Loop::Interest interest) { return interest == Loop::Interest::read ? POLLIN : POLLOUT; }

std::uint32_t kernel_events(Loop::Interest interest) {
  return interest == Loop::Interest::read ? static_cast<std::uint32_t>(EPOLLIN) : static_cast<std::uint32_t>(EPOLLOUT);
}

}  // namespace

struct Loop::Impl {
  struct Due {
    Seconds second;
    TimerId id;
    friend auto operator<=>(const Due&, const Due&) = default;
  };

  int epoll = -1;
  std::uint32_t last_mark = 0;
  std::vector<Watch> watches;  // by descriptor number
  std::vector<int> services;   // watched descriptors of services: a few
  std::uint64_t round = 0;
  struct Timer {
    Callback callback;
    bool is_delay = false;  // not a second of the clock
  };
  TimerId last_timer = 0;
  std::map<Due, Timer> timers;                     // by second, then in order of setting
  std::unordered_map<TimerId, Seconds> due_times;  // for cancel
  Time last_wall = wall_clock();
  Micros last_steady = steady_time();
  std::function<void(std::string_view)> on_failure;

  // Every look at the clock is here, so that a jump is seen before anything is reckoned with the new time.
  Time look_at_clock() {
    const Time wall = wall_clock();
    const Micros steady = steady_time();
    const Micros lost = (steady - last_steady) - (wall.since_epoch - last_wall.since_epoch);
    last_wall = wall;
    last_steady = steady;
    if (lost >= kJump) move_delays(std::chrono::floor<Seconds>(lost));
    return wall;
  }

  void move_delays(Seconds back) {
    std::map<Due, Timer> moved;
    for (auto& [due, timer] : timers) {
      const Seconds second = timer.is_delay ? due.second - back : due.second;
      due_times[due.id] = second;
      moved.emplace(Due{second, due.id}, std::move(timer));
    }
    timers = std::move(moved);
  }

  void fail(const char* call) {
    const std::string text = std::string("event_loop: ") + call + ": " + std::strerror(errno);
    if (on_failure) on_failure(text);
    std::fprintf(stderr, "%s\n", text.c_str());
    std::abort();
  }

  Watch& slot(int fd) {
    WEIR_CHECK(fd >= 0);
    const auto index = static_cast<std::size_t>(fd);
    if (index >= watches.size()) watches.resize(std::max(index + 1, watches.size() * 2));
    return watches[index];
  }

  void register_with_kernel(int fd, const Watch& watch) {
    epoll_event event{};
    event.events = kernel_events(watch.interest);
    event.data.u64 = tag(watch.mark, fd);
    // A descriptor that was forgotten but not closed is still known to the kernel.
    const int first = watch.active ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(epoll, first, fd, &event) == 0) return;
    const int second = first == EPOLL_CTL_ADD ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    const bool other_way = first == EPOLL_CTL_ADD ? errno == EEXIST : errno == ENOENT;
    if (!other_way || epoll_ctl(epoll, second, fd, &event) != 0) fail("epoll_ctl");
  }

  TimerId set_timer(Seconds second, Timer timer) {
    const TimerId id = ++last_timer;
    timers.emplace(Due{second, id}, std::move(timer));
    due_times.emplace(id, second);
    return id;
  }

  int wait_time(bool poll, Seconds now) const {
    if (poll) return 0;
    if (timers.empty()) return -1;
    const Seconds left = timers.begin()->first.second - now;
    if (left.count() <= 0) return 0;
    return static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX / 1000) * 1000);
  }

  void run_timers(Seconds now) {
    const TimerId newest = last_timer;  // later ones wait for the next round
    auto next = timers.begin();
    while (next != timers.end() && next->first.second <= now) {
      if (next->first.id > newest) {
        ++next;
        continue;
      }
      const Callback callback = std::move(next->second.callback);
      due_times.erase(next->first.id);
      timers.erase(next);
      callback();
      next = timers.begin();
    }
  }

  void dispatch(std::uint64_t data) {
    const int fd = static_cast<int>(data & 0xffffffffU);
    const auto mark = static_cast<std::uint32_t>(data >> 32);
    const Watch& watch = slot(fd);
    if (!watch.active) {  // forgotten, but still open: tell the kernel, or it would report for ever
      epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
      return;
    }
    if (watch.mark != mark || watch.served_in == round) return;  // what was ready then has been read
    call(watch);
  }

  static void call(const Watch& watch) {
    const std::shared_ptr<Callback> callback = watch.callback;  // outlives a forget() from inside
    (*callback)();
  }

  bool serve_services(int limit) {
    std::vector<pollfd> asked;
    for (const int fd : services) asked.push_back({fd, poll_events(slot(fd).interest), 0});
    const int ready = asked.empty() ? 0 : poll(asked.data(), asked.size(), limit);
    if (ready < 0 && errno != EINTR) fail("poll");
    std::vector<std::pair<int, std::uint32_t>> marks;  // one callback may end the watch of another
    for (const pollfd& each : asked) {
      if (ready > 0 && each.revents != 0) marks.emplace_back(each.fd, slot(each.fd).mark);
    }
    for (const auto& [fd, mark] : marks) {
      Watch& watch = slot(fd);
      if (!watch.active || watch.mark != mark) continue;
      watch.served_in = round;
      call(watch);
    }
    return !marks.empty();
  }
};

Loop::Loop() : impl_(std::make_unique<Impl>()), now_(wall_clock()) {
  impl_->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (impl_->epoll < 0) impl_->fail("epoll_create");
}

Loop::~Loop() { close(impl_->epoll); }

void Loop::watch(int fd, Interest interest, Callback callback, Peer peer) {
  Watch& watch = impl_->slot(fd);
  if (peer != watch.peer || !watch.active) {
    std::erase(impl_->services, fd);
    if (peer == Peer::service) impl_->services.push_back(fd);
    watch.peer = peer;
  }
  const bool known = watch.active && watch.interest == interest;
  watch.callback = std::make_shared<Callback>(std::move(callback));
  if (known) return;
  watch.interest = interest;
  watch.mark = ++impl_->last_mark;
  impl_->register_with_kernel(fd, watch);
  watch.active = true;
}

void Loop::forget(int fd) {
  Watch& watch = impl_->slot(fd);
  watch.active = false;
  watch.callback.reset();
  if (watch.peer == Peer::service) std::erase(impl_->services, fd);
}

bool Loop::serve_services(std::chrono::milliseconds limit) {
  const bool served = impl_->serve_services(static_cast<int>(std::max<std::int64_t>(limit.count(), 0)));
  now_ = impl_->look_at_clock();  // many short waits may follow each other in one round
  return served;
}

TimerId Loop::after(Seconds delay, Callback callback) {
  return impl_->set_timer(impl_->look_at_clock().seconds() + delay, {std::move(callback), true});
}

TimerId Loop::at(Seconds second, Callback callback) { return impl_->set_timer(second, {std::move(callback), false}); }

void Loop::cancel(TimerId timer) {
  const auto found = impl_->due_times.find(timer);
  if (found == impl_->due_times.end()) return;
  impl_->timers.erase(Impl::Due{found->second, timer});
  impl_->due_times.erase(found);
}

void Loop::on_failure(std::function<void(std::string_view)> handler) { impl_->on_failure = std::move(handler); }

void Loop::run_round(bool poll) {
  std::array<epoll_event, kEventsPerRound> events;
  impl_->round += 1;
  if (!poll && !impl_->timers.empty()) now_ = impl_->look_at_clock();
  //= R-GEN-04, R-TRG-01
  int ready = epoll_wait(impl_->epoll, events.data(), kEventsPerRound, impl_->wait_time(poll, now_.seconds()));
  if (ready < 0) {
    if (errno != EINTR) impl_->fail("epoll_wait");
    ready = 0;
  }
  now_ = impl_->look_at_clock();
  impl_->run_timers(now_.seconds());
  for (int i = 0; i < ready; ++i) impl_->dispatch(events[static_cast<std::size_t>(i)].data.u64);
}

}  // namespace weir::postfix
