#include "postfix/log_sink.hpp"

#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace weir::postfix {

namespace {

// nanosleep, since it leaves a pending alarm alone.
void wait_one_second() {
  timespec left{1, 0};
  while (nanosleep(&left, &left) != 0) {}
}

}  // namespace

void LogSink::fatal(std::string_view text) {
  write(Severity::fatal, text);
  wait_one_second();
  _exit(1);
}

void LogSink::panic(std::string_view text) {
  write(Severity::panic, text);
  wait_one_second();
  std::abort();
}

}  // namespace weir::postfix
