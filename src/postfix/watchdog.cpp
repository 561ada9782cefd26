#include "postfix/watchdog.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>

#include "codec/log_line.hpp"

namespace weir::postfix {

namespace {

constexpr int kParts = 3;
constexpr unsigned kLastResort = 5;  // seconds for the log to take the last line

// All that the signal handler knows.
volatile std::sig_atomic_t parts_over = 0;
volatile std::sig_atomic_t wakeup = -1;
volatile std::sig_atomic_t part_seconds = 0;
ProcessLog* last_words = nullptr;

[[noreturn]] void bite() {
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  sigaction(SIGALRM, &plain, nullptr);
  sigset_t alarms;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &alarms, nullptr);
  alarm(kLastResort);
  last_words->write_emergency("watchdog timeout");
  timespec second{1, 0};
  nanosleep(&second, nullptr);
  _exit(1);
}

// Async-signal-safe up to the last line; see ProcessLog::write_emergency() for that one.
void on_alarm(int) {
  const int saved_errno = errno;
  parts_over = parts_over + 1;
  if (parts_over >= kParts) bite();
  const std::uint64_t one = 1;
  const ssize_t woken = write(static_cast<int>(wakeup), &one, sizeof one);
  static_cast<void>(woken);
  alarm(static_cast<unsigned>(part_seconds));
  errno = saved_errno;
}

}  // namespace

//= R-PAR-073
Watchdog::Watchdog(Loop& loop, ProcessLog& log, Seconds limit)
    : loop_(loop), part_(static_cast<unsigned>(limit.count() / kParts)), wakeup_fd_(-1) {
  if (limit < kSmallest) log.panic(codec::line::watchdog_too_small(limit.count()).text);
  wakeup_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wakeup_fd_ < 0) log.fatal(std::string("watchdog_create: eventfd: ") + std::strerror(errno));
  last_words = &log;
  wakeup = wakeup_fd_;
  part_seconds = static_cast<std::sig_atomic_t>(part_);
  parts_over = 0;
  loop_.watch(wakeup_fd_, Loop::Interest::read, [this] { drain(); });
  struct sigaction action {};
  action.sa_handler = on_alarm;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGALRM, &action, nullptr);
}

Watchdog::~Watchdog() {
  alarm(0);
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  sigaction(SIGALRM, &plain, nullptr);
  loop_.forget(wakeup_fd_);
  close(wakeup_fd_);
}

void Watchdog::turn(Time now) {
  parts_over = 0;
  if (now.seconds() == wound_up_) return;
  wound_up_ = now.seconds();
  alarm(part_);
}

void Watchdog::drain() {
  std::uint64_t count = 0;
  const ssize_t got = read(wakeup_fd_, &count, sizeof count);
  static_cast<void>(got);
}

}  // namespace weir::postfix
