// ProcessLog: the log of a daemon, through syslog(3) or as datagrams to postlogd(8), exactly one of the two.
//
// Promises: a line costs one system call; opened before a chroot it goes on working in it; a log service that is
// not there loses the line and nothing else; one that stands still is waited for ten seconds once, then lines are
// dropped until it takes one again, and their number is told (spec/divergences.md). The text is cleaned and cut
// (codec/log_line). After kErrorLimit error lines the process ends. Tested in tests/app/life/process_log_test.cpp.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "contract/time.hpp"
#include "postfix/log_sink.hpp"

namespace weir::postfix {

struct LogDestination {
  std::string tag = "postfix/qmgr";  // SYSLOG_NAME/PROCESS_NAME
  int facility = 2 << 3;             // LOG_MAIL, for syslog
  std::string postlog_path;          // the socket of postlogd; empty: syslog
  std::string host_name;             // for postlog; its first label is shown
  bool utf8 = false;                 // smtputf8_enable: UTF-8 may pass
};

// Before main.cf has been read, master's word counts: MAIL_LOGTAG, POSTLOG_SERVICE, POSTLOG_HOSTNAME.
[[nodiscard]] LogDestination early_log_destination(const std::string& process_name);

// After it: tells programs started from here, as master told us.
void export_log_destination(const LogDestination& destination, const std::string& syslog_name);

class ProcessLog final : public LogSink {
 public:
  ProcessLog() = default;
  ~ProcessLog() override;
  ProcessLog(const ProcessLog&) = delete;
  ProcessLog& operator=(const ProcessLog&) = delete;

  // Opens the log; again: closes the old one first.
  void open(LogDestination destination);

  // Lines also go to standard error, as "TAG: severity: text"; an empty tag: not any more.
  void also_to_stderr(std::string tag);
  [[nodiscard]] bool to_stderr() const { return !stderr_tag_.empty(); }

  void write(Severity severity, std::string_view text) override;

  // For a signal handler: "fatal: TEXT" with neither allocation nor lock of ours. Through syslog(3) that cannot be
  // promised: whoever calls this limits the time it may take.
  void write_emergency(const char* text);

 private:
  static constexpr int kErrorLimit = 13;
  static constexpr Seconds kPatience{10};

  void close();
  void connect_postlog();
  void write_postlog(Severity severity, const std::string& text);
  void send_postlog(const std::string& datagram);
  [[nodiscard]] const std::tm& local_time(Time now);

  LogDestination destination_;
  bool open_ = false;
  int socket_ = -1;
  bool stalled_ = false;  // the service did not take a line in time: do not wait for it again
  long dropped_ = 0;      // lines since then
  std::string stderr_tag_;
  int errors_ = 0;
  long pid_ = 0;
  Seconds local_second_{-1};  // of local_
  std::tm local_{};
};

}  // namespace weir::postfix
