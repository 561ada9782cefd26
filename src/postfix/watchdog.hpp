// Watchdog: ends a process whose loop does not come round within a time limit (qmgr_daemon_timeout).
//
// The limit is cut into three parts. An alarm goes off after each; a turn of the loop starts the count again, and
// the third part without a turn is the end: "fatal: watchdog timeout", exit status 1, and a kill five seconds later
// should the log stand still too. An alarm also wakes an idle loop, which then comes round.
//
// Cost: a turn resets the count without a system call; the alarm itself is wound up again only when the clock has
// moved on to another second. So a stuck loop ends up to one second before the full limit, and never before two of
// the parts are over. Tested in tests/app/life/watchdog_test.cpp.
#pragma once

#include <string>

#include "contract/time.hpp"
#include "postfix/loop.hpp"
#include "postfix/process_log.hpp"

namespace weir::postfix {

class Watchdog {
 public:
  static constexpr Seconds kSmallest{3};  // of the limit

  // `log` outlives the process's loop; a limit below kSmallest is a panic. One a process.
  Watchdog(Loop& loop, ProcessLog& log, Seconds limit);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // A turn of the loop begins; `now` is the loop's idea of the time.
  void turn(Time now);

 private:
  void drain();

  Loop& loop_;
  unsigned part_;
  int wakeup_fd_;
  Seconds wound_up_{-1};  // second of the last alarm()
};

}  // namespace weir::postfix
