#include "postfix/process_log.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "codec/log_line.hpp"
#include "codec/trigger.hpp"
#include "postfix/clock.hpp"

namespace weir::postfix {

namespace {

codec::Severity in_codec(Severity severity) {
  switch (severity) {
    case Severity::info: return codec::Severity::info;
    case Severity::warning: return codec::Severity::warning;
    case Severity::error: return codec::Severity::error;
    case Severity::fatal: return codec::Severity::fatal;
    case Severity::panic: return codec::Severity::panic;
  }
  return codec::Severity::info;
}

int syslog_level(Severity severity) {
  switch (severity) {
    case Severity::info: return LOG_INFO;
    case Severity::warning: return LOG_WARNING;
    case Severity::error: return LOG_ERR;
    case Severity::fatal:
    case Severity::panic: return LOG_CRIT;
  }
  return LOG_CRIT;
}

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string{value};
}

// One line, whole or not at all; there is nobody to tell about a failure.
void write_stderr(const std::string& line) {
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

// A line put together in place, for use where nothing may be allocated.
class FixedLine {
 public:
  void text(const char* from) {
    for (; *from != '\0' && size_ < sizeof bytes_; ++from) bytes_[size_++] = *from;
  }
  void two_digits(unsigned value) {
    const char digits[] = {static_cast<char>('0' + value / 10 % 10), static_cast<char>('0' + value % 10), '\0'};
    text(digits);
  }
  void number(long value) {
    char digits[24];
    char* at = digits + sizeof digits;
    *--at = '\0';
    do {
      *--at = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value > 0);
    text(at);
  }
  void time_stamp(Seconds local) {
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::year_month_day date{std::chrono::sys_days{day}};
    const auto second = static_cast<unsigned>((local - day).count());
    text(kMonths[(static_cast<unsigned>(date.month()) - 1) % 12]);
    text(" ");
    two_digits(static_cast<unsigned>(date.day()));
    text(" ");
    two_digits(second / 3600);
    text(":");
    two_digits(second / 60 % 60);
    text(":");
    two_digits(second % 60);
    text(" ");
  }
  [[nodiscard]] const char* data() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  char bytes_[512];
  std::size_t size_ = 0;
};

}  // namespace

LogDestination early_log_destination(const std::string& process_name) {
  LogDestination destination;
  const std::string tag = from_environment("MAIL_LOGTAG");
  destination.tag = (tag.empty() ? "postfix" : tag) + "/" + process_name;
  destination.postlog_path = from_environment("POSTLOG_SERVICE");
  destination.host_name = from_environment("POSTLOG_HOSTNAME");
  return destination;
}

void export_log_destination(const LogDestination& destination, const std::string& syslog_name) {
  setenv("MAIL_LOGTAG", syslog_name.c_str(), 1);
  if (destination.postlog_path.empty()) {
    unsetenv("POSTLOG_SERVICE");
    unsetenv("POSTLOG_HOSTNAME");
    return;
  }
  setenv("POSTLOG_SERVICE", destination.postlog_path.c_str(), 1);
  setenv("POSTLOG_HOSTNAME", destination.host_name.c_str(), 1);
}

ProcessLog::~ProcessLog() { close(); }

void ProcessLog::open(LogDestination destination) {
  close();
  destination_ = std::move(destination);
  destination_.host_name.resize(std::min(destination_.host_name.size(), destination_.host_name.find('.')));
  if (destination_.host_name.empty()) destination_.host_name = "amnesiac";
  if (to_stderr()) stderr_tag_ = destination_.tag;
  open_ = true;
  pid_ = getpid();
  tzset();  // the zone is not to be found in a chroot
  if (destination_.postlog_path.empty()) {
    openlog(destination_.tag.c_str(), LOG_PID | LOG_NDELAY, destination_.facility);
  } else {
    connect_postlog();
  }
}

void ProcessLog::close() {
  if (!open_) return;
  open_ = false;
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  if (destination_.postlog_path.empty()) closelog();
}

void ProcessLog::also_to_stderr(std::string tag) { stderr_tag_ = std::move(tag); }

void ProcessLog::write(Severity severity, std::string_view text) {
  const std::string clean = codec::clean_log_text(text, destination_.utf8);
  if (to_stderr()) {
    write_stderr(stderr_tag_ + ": " + std::string{codec::severity_prefix(in_codec(severity))} + clean + "\n");
  }
  if (!open_) return;
  if (!destination_.postlog_path.empty()) {
    write_postlog(severity, clean);
  } else {
    const std::string prefix{codec::severity_prefix(in_codec(severity))};
    //= R-DIA-02
    syslog(destination_.facility | syslog_level(severity), "%s%s", prefix.c_str(), clean.c_str());
  }
  if (severity == Severity::error && ++errors_ == kErrorLimit) fatal(codec::line::too_many_errors().text);
}

void ProcessLog::connect_postlog() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (destination_.postlog_path.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, destination_.postlog_path.data(), destination_.postlog_path.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const timeval patience{kPatience.count(), 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return;
  }
  socket_ = fd;
}

void ProcessLog::write_postlog(Severity severity, const std::string& text) {
  if (socket_ < 0) connect_postlog();
  if (socket_ < 0) return;
  const auto datagram = [&](Severity of, const std::string& what) {
    return codec::postlog_datagram(local_time(wall_clock()), destination_.host_name, destination_.tag, pid_,
                                   in_codec(of), what);
  };
  send_postlog(datagram(severity, text));
  if (stalled_ || dropped_ == 0) return;
  const long dropped = std::exchange(dropped_, 0);
  send_postlog(datagram(Severity::warning, std::to_string(dropped) + " log lines lost: " + destination_.postlog_path +
                                               " did not take them"));
}

void ProcessLog::send_postlog(const std::string& datagram) {
  ssize_t sent = -1;
  do {
    sent = send(socket_, datagram.data(), datagram.size(), MSG_NOSIGNAL | (stalled_ ? MSG_DONTWAIT : 0));
  } while (sent < 0 && errno == EINTR);
  stalled_ = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  if (stalled_) ++dropped_;
}

const std::tm& ProcessLog::local_time(Time now) {
  if (now.seconds() == local_second_) return local_;
  local_second_ = now.seconds();
  const auto second = static_cast<std::time_t>(local_second_.count());
  localtime_r(&second, &local_);
  return local_;
}

void ProcessLog::write_emergency(const char* text) {
  FixedLine line;
  if (to_stderr()) {
    line.text(stderr_tag_.c_str());
    line.text(": fatal: ");
    line.text(text);
    line.text("\n");
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
  }
  if (destination_.postlog_path.empty()) {
    syslog(destination_.facility | LOG_CRIT, "fatal: %s", text);
    return;
  }
  if (socket_ < 0) return;
  FixedLine datagram;
  datagram.time_stamp(wall_clock().seconds() + Seconds{local_.tm_gmtoff});
  datagram.text(destination_.host_name.c_str());
  datagram.text(" ");
  datagram.text(destination_.tag.c_str());
  datagram.text("[");
  datagram.number(pid_);
  datagram.text("]: fatal: ");
  datagram.text(text);
  if (send(socket_, datagram.data(), datagram.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;
}

}  // namespace weir::postfix
