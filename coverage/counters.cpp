// In the coverage build alone, in every program: the counters are written on ways out that libgcov does not see
// (a signal, _exit, abort), and by a process that has dropped its privileges to a place where it may write.
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

extern "C" void __gcov_dump();
extern "C" int weir_counters;
int weir_counters = 0;  // the linker is told to want it, so that this file is part of every program

namespace {

void prepare() {
  setenv("GCOV_ERROR_FILE", "/dev/null", 1);  // damaged counters are told by collect.py, not by a daemon
  if (geteuid() == 0) return;
  umask(0);  // whoever counts next adds to the same files
  setenv("GCOV_PREFIX", WEIR_COVERAGE_SPOOL, 1);
}

void write_counters() {
  prepare();
  __gcov_dump();
}

void end_by(int number) {
  write_counters();
  signal(number, SIG_DFL);
  raise(number);
}

__attribute__((constructor)) void begin() {
  struct sigaction action {};
  action.sa_handler = end_by;
  action.sa_flags = SA_NODEFER | SA_RESETHAND;
  sigaction(SIGTERM, &action, nullptr);
  std::atexit(prepare);
}

}  // namespace

extern "C" [[noreturn]] void _exit(int status) {
  write_counters();
  for (;;) syscall(SYS_exit_group, status);
}

extern "C" [[noreturn]] void abort() noexcept {
  write_counters();
  signal(SIGABRT, SIG_DFL);
  for (;;) raise(SIGABRT);
}
