#include "blackbox/subject.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <utility>

namespace weir::blackbox {
namespace {

constexpr std::chrono::milliseconds kPatienceToEnd{500};
constexpr int kParking = 300;  // from here on descriptors wait that are going to have numbers below
constexpr std::size_t kDescriptorsMax = 16;

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "which numbers have the system calls that make processes?"
#endif

constexpr std::uint32_t kForeignCalls = 0x40000000;  // of another binary interface

constexpr sock_filter load(std::size_t offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
}
constexpr sock_filter jump(unsigned test, std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), if_true, if_false, value};
}
constexpr sock_filter verdict(std::uint32_t action) { return {BPF_RET | BPF_K, 0, 0, action}; }

// Every way to make a process or a thread ends the subject.
const std::array kAlone = {
    load(offsetof(seccomp_data, arch)), jump(BPF_JEQ, kArchitecture, 1, 0), verdict(SECCOMP_RET_KILL_PROCESS),
    load(offsetof(seccomp_data, nr)),
#if defined(__x86_64__)
    jump(BPF_JEQ, SYS_fork, 4, 0),      jump(BPF_JEQ, SYS_vfork, 3, 0),
#endif
    jump(BPF_JEQ, SYS_clone, 2, 0),     jump(BPF_JEQ, SYS_clone3, 1, 0),    jump(BPF_JGE, kForeignCalls, 0, 1),
    verdict(SECCOMP_RET_KILL_PROCESS),  verdict(SECCOMP_RET_ALLOW),
};

// All that the child needs, made before there is one: it shares our memory until it is another program.
struct Prepared {
  const Launch& launch;
  std::vector<char*> arguments, environment;
  pid_t parent = getpid();
  sock_fprog filter{static_cast<unsigned short>(kAlone.size()), const_cast<sock_filter*>(kAlone.data())};
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

void reset_signals() {
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &plain, nullptr);
  plain.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &plain, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void limit(int what, rlim_t most) {
  const rlimit both{most, most};
  setrlimit(static_cast<__rlimit_resource>(what), &both);
}

// In two steps, since a number may be wanted that another one still has.
bool place_descriptors(const Launch& launch) {
  std::array<int, kDescriptorsMax> parked{};
  if (launch.descriptors.size() > parked.size()) return false;
  for (std::size_t i = 0; i < launch.descriptors.size(); ++i) {
    parked[i] = fcntl(launch.descriptors[i].ours, F_DUPFD, kParking);
    if (parked[i] < 0) return false;
  }
  for (std::size_t i = 0; i < launch.descriptors.size(); ++i) {
    if (dup2(parked[i], launch.descriptors[i].theirs) < 0) return false;
  }
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2; ++fd) {
    if (dup2(null, fd) < 0) return false;
  }
  return true;
}

// All but those asked for, which are in the order of their numbers.
void close_others(const Launch& launch) {
  unsigned next = 3;
  for (const Inherited& each : launch.descriptors) {
    const auto wanted = static_cast<unsigned>(each.theirs);
    if (wanted > next) syscall(SYS_close_range, next, wanted - 1, 0);
    next = wanted + 1;
  }
  syscall(SYS_close_range, next, ~0U, 0);
}

// In the child, in our memory: system calls only.
[[noreturn]] void become(const Prepared& p) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != p.parent) _exit(kSubjectNotStarted);
  setsid();
  reset_signals();
  umask(077);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, p.launch.file_size_max);
  if (!place_descriptors(p.launch)) _exit(kSubjectNotStarted);
  close_others(p.launch);
  if (chdir(p.launch.directory.c_str()) != 0) _exit(kSubjectNotStarted);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(kSubjectNotStarted);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p.filter) != 0) _exit(kSubjectNotStarted);
  execve(p.launch.program.c_str(), p.arguments.data(), p.environment.data());
  _exit(kSubjectNotStarted);
}

}  // namespace

Result<Subject> Subject::start(const Launch& launch) {
  const Prepared prepared{launch, pointers(launch.arguments), pointers(launch.environment)};
  const pid_t pid = vfork();
  if (pid < 0) return Failure{std::string("fork: ") + std::strerror(errno)};
  if (pid == 0) become(prepared);
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  Subject subject(pid, fd);  // ends it in any case
  if (fd < 0) return Failure{std::string("pidfd_open: ") + std::strerror(errno)};
  return subject;
}

Subject::Subject(Subject&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pid_fd_(std::move(other.pid_fd_)), ended_(other.ended_) {}

Subject::~Subject() {
  if (pid_ < 0 || ended()) return;
  ::kill(pid_, SIGTERM);
  ::kill(pid_, SIGCONT);
  if (!ends_within(kPatienceToEnd)) kill();
}

std::optional<int> Subject::ended() {
  int status = 0;
  if (ended_ || pid_ < 0) return ended_;
  const pid_t found = waitpid(pid_, &status, WNOHANG);
  if (found == pid_) ended_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  if (found < 0 && errno == ECHILD) ended_ = -SIGKILL;  // somebody else has taken its status
  return ended_;
}

void Subject::kill() {
  if (ended()) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
  ended_ = -SIGKILL;
}

bool Subject::ends_within(std::chrono::milliseconds limit) {
  pollfd one{pid_fd_.get(), POLLIN, 0};
  (void)poll(&one, 1, static_cast<int>(limit.count()));
  return ended().has_value();
}

std::uint64_t Subject::resident_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::uint64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace weir::blackbox
