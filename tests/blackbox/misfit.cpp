// A program that is no queue manager: does what its last argument says. Without sanitizers, like most programs.
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>

namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

int connect_to(const std::string& path, int type = SOCK_STREAM) {
  const sockaddr_un address = address_of(path);
  const int fd = socket(AF_UNIX, type, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::exit(9);
  return fd;
}

void say(const std::string& text, const std::string& tag = "postfix/blackbox_misfit") {
  static const int log = connect_to(std::getenv("POSTLOG_SERVICE"), SOCK_DGRAM);
  const std::string line = "Sep  9 01:46:40 mx " + tag + '[' + std::to_string(getpid()) + "]: " + text;
  if (send(log, line.data(), line.size(), 0) < 0) std::exit(9);
}

// What comes next.
std::string hear(int fd) {
  std::array<char, 1024> room{};
  const ssize_t got = read(fd, room.data(), room.size());
  return {room.data(), static_cast<std::size_t>(got < 0 ? 0 : got)};
}

void tell(int fd, std::string_view bytes) {
  if (write(fd, bytes.data(), bytes.size()) < 0) std::exit(9);
}

[[noreturn]] void rest() {
  for (;;) poll(nullptr, 0, -1);
}

std::string now() { return std::to_string(time(nullptr) - 1'000'000'000); }

// --- waits: each for two seconds -------------------------------------------------------------------------

void wait_for_timer() {
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const itimerspec value{{1, 0}, {1, 0}};
  timerfd_settime(timer, 0, &value, nullptr);
  std::uint64_t sum = 0;
  while (sum < 2) {
    pollfd one{timer, POLLIN, 0};
    poll(&one, 1, -1);
    std::uint64_t count = 0;
    if (read(timer, &count, sizeof count) > 0) sum += count;
  }
  close(timer);
}

void try_waits() {
  const int epoll = epoll_create1(0);
  epoll_event event{};
  const timespec two{2, 0};
  timespec absolute{};
  clock_gettime(CLOCK_MONOTONIC, &absolute);
  fd_set none;
  FD_ZERO(&none);
  timeval two_val{2, 0};
  poll(nullptr, 0, 2000), say("poll " + now());
  ppoll(nullptr, 0, &two, nullptr), say("ppoll " + now());
  select(0, &none, nullptr, nullptr, &two_val), say("select " + now());
  pselect(0, &none, nullptr, nullptr, &two, nullptr), say("pselect " + now());
  epoll_wait(epoll, &event, 1, 2000), say("epoll_wait " + now());
  epoll_pwait(epoll, &event, 1, 2000, nullptr), say("epoll_pwait " + now());
  epoll_pwait2(epoll, &event, 1, &two, nullptr), say("epoll_pwait2 " + now());
  nanosleep(&two, nullptr), say("nanosleep " + now());
  clock_nanosleep(CLOCK_REALTIME, 0, &two, nullptr), say("clock_nanosleep " + now());
  sleep(2), say("sleep " + now());
  usleep(2'000'000), say("usleep " + now());
  wait_for_timer(), say("timerfd " + now());
  clock_gettime(CLOCK_MONOTONIC, &absolute);
  absolute.tv_sec += 2;
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &absolute, nullptr), say("until " + now());
  usleep(1000), say("less than a second " + now());
  rest();
}

// --- files -----------------------------------------------------------------------------------------------

void list_names() {
  mkdir("saved/list", 0700);
  for (const char* const name : {"m", "b", "z", "a", "k", "c", "B", "10", "9"}) {
    close(open((std::string("saved/list/") + name).c_str(), O_CREAT | O_WRONLY, 0600));
  }
  std::string names;
  DIR* directory = opendir("saved/list");
  for (const dirent* entry = readdir(directory); entry != nullptr; entry = readdir(directory)) {
    names += std::string(" ") + entry->d_name;
  }
  rewinddir(directory);
  say("names" + names + ", first " + readdir(directory)->d_name);
  closedir(directory);
  rest();
}

void stamp_file() {
  close(open("saved/stamp", O_CREAT | O_WRONLY, 0600));
  utime("saved/stamp", nullptr);
  struct stat found {};
  stat("saved/stamp", &found);
  say("stamp " + std::to_string(found.st_mtime - 1'000'000'000), "mail/other");
  rest();
}

void fill_disk() {
  for (int i = 0;; ++i) {
    const int fd = open(("saved/" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY, 0600);
    static const std::array<char, 65536> block{};
    for (int k = 0; k < 16; ++k) tell(fd, {block.data(), block.size()});
    close(fd);
    usleep(1000);  // real
  }
}

void write_one_large_file() {
  const int fd = open("saved/large", O_CREAT | O_WRONLY, 0600);
  static const std::array<char, 65536> block{};
  for (;;) tell(fd, {block.data(), block.size()});
}

// --- words -----------------------------------------------------------------------------------------------

void say_to(const std::string& service, std::string_view bytes, bool close_after) {
  const int fd = connect_to(service);
  if (service != "private/t1" || !hear(fd).empty()) tell(fd, bytes);
  if (close_after) close(fd);
  rest();
}

void call_out() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(25);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connect(socket(AF_INET, SOCK_STREAM, 0), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  rest();
}

// Blocks in read(), for ever.
void wait_for_bytes() {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) std::exit(9);
  say("reading");
  hear(ends[0]);
}

std::string request_for_another_file() {
  std::string bytes;
  const auto add = [&](std::string_view name, std::string_view value) {
    bytes.append(name).append(1, '\0').append(value).append(1, '\0');
  };
  for (const auto& [name, value] : {std::pair{"flags", "3"},
                                    {"queue_name", "active"},
                                    {"queue_id", "ABC"},
                                    {"offset", "1"},
                                    {"size", "1"},
                                    {"nexthop", "d1"},
                                    {"encoding", ""},
                                    {"smtputf8", "0"},
                                    {"sender", ""},
                                    {"envelope_id", ""},
                                    {"ret_flags", "0"}}) {
    add(name, value);
  }
  add("time", std::string(118, 'A') + "==");
  for (const char* const name :
       {"log_client_name", "log_client_address", "log_client_port", "log_protocol_name", "log_helo_name", "sasl_method",
        "sasl_username", "sasl_sender", "log_ident", "rewrite_context"}) {
    add(name, "");
  }
  add("recipient_count", "1");
  bytes.append(1, '\0');
  for (const auto& [name, value] : {std::pair{"original_recipient", ""},
                                    {"recipient", "a@d1.t1"},
                                    {"offset", "1"},
                                    {"dsn_orig_rcpt", ""},
                                    {"notify_flags", "0"}}) {
    add(name, value);
  }
  return bytes + '\0';
}

void spin() {
  for (;;) asm volatile("");
}

void set_kernel_timer() {
  timer_t timer{};
  timer_create(CLOCK_REALTIME, nullptr, &timer);
  rest();
}

using namespace std::string_view_literals;

const std::map<std::string, std::function<void()>> kHabits = {
    {"read", [] { wait_for_bytes(); }},
    {"rest", [] { say("here"), rest(); }},
    {"exit", [] { std::exit(3); }},
    {"abort", [] { std::abort(); }},
    {"fatal", [] { say("fatal: no more"), sleep(1), std::exit(1); }},
    {"spin", spin},
    {"block", [] { pause(); }},
    {"flood",
     [] {
       for (;;) say("and again");
     }},
    {"fork",
     [] {
       if (fork() == 0) rest();
       rest();
     }},
    {"thread", [] { std::thread([] {}).join(); }},
    {"fill", fill_disk},
    {"large", write_one_large_file},
    {"waits", try_waits},
    {"names", list_names},
    {"stamp", stamp_file},
    {"nonsense-to-agent", [] { say_to("private/t1", "flags\0what\0\0"sv, false); }},
    {"other-file-to-agent", [] { say_to("private/t1", request_for_another_file(), false); }},
    {"half-to-agent", [] { say_to("private/t1", "flags\0003\0queue_name\0act"sv, true); }},
    {"nonsense-to-bounce", [] { say_to("private/bounce", "nrequest\0007\0\0"sv, false); }},
    {"half-to-resolver", [] { say_to("private/rewrite", "request\0resolve\0send"sv, true); }},
    {"nonsense-to-resolver", [] { say_to("private/rewrite", "request\0dance\0\0"sv, false); }},
    {"nonsense-to-master", [] { tell(5, "nonsense, master"), rest(); }},
    {"call-out", call_out},
    {"strange-socket", [] { say_to("/tmp/somewhere", "x", false); }},
    {"timer", set_kernel_timer},
};

}  // namespace

int main(int count, char** words) {
  const auto habit = kHabits.find(words[count - 1]);
  if (habit == kHabits.end()) return 8;
  habit->second();
  return 0;
}
