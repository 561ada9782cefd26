// Where log lines go: syslog(3), or a datagram to postlogd (spec/logging.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::postfix {

enum class Severity : std::uint8_t { info, warning, error, fatal, panic };

class LogSink {
 public:
  virtual ~LogSink() = default;

  // Writes one line: severity prefix ("warning: " ...), cut at 2000 bytes, unprintable bytes as '?'.
  virtual void write(Severity severity, std::string_view text) = 0;

  void info(std::string_view text) { write(Severity::info, text); }
  void warning(std::string_view text) { write(Severity::warning, text); }
  void error(std::string_view text) { write(Severity::error, text); }

  // Debug lines: written as info when the process is verbose.
  [[nodiscard]] int verbosity() const { return verbosity_; }
  void set_verbosity(int level) { verbosity_ = level; }

  // Logs "fatal: TEXT", waits one second (it keeps crash loops slow) and ends the process with status 1.
  [[noreturn]] void fatal(std::string_view text);

  // Logs "panic: TEXT", waits one second and aborts.
  [[noreturn]] void panic(std::string_view text);

 private:
  int verbosity_ = 0;
};

}  // namespace weir::postfix
