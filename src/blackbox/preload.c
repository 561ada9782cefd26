// Preloaded into a subject (process.hpp): a clock that only the watcher moves, waits that end by that clock, word to
// the watcher when there is nothing left to do (clock_page.h), and directories in the order of their names.
//
// Real are: the kernel's own notion of time, alarm() and setitimer() (watchdogs), CPU time, and sleeps of less than a
// second. A call that waits for real time in a way that is not dealt with here fails with ENOSYS, and the watcher is
// told. Threads are not provided for: the watcher forbids them.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "blackbox/clock_page.h"

#define SECOND INT64_C(1000000)
#define NEVER INT64_MAX

static struct weir_clock_page* page;
static uid_t last_user;

// --- page and watcher ----------------------------------------------------------------------------------

// A change of user makes the kernel forget this: it is asked for again.
static void die_with_watcher(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != page->watcher) _exit(0);
}

__attribute__((constructor)) static void attach(void) {
  if (getenv(WEIR_CLOCK_VARIABLE) == NULL) _exit(WEIR_CLOCK_FAILED);
  void* memory = mmap(NULL, WEIR_CLOCK_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, WEIR_CLOCK_PAGE_FD, 0);
  if (memory == MAP_FAILED) _exit(WEIR_CLOCK_FAILED);
  syscall(SYS_close, WEIR_CLOCK_PAGE_FD);
  page = memory;
  last_user = geteuid();
  __atomic_store_n(&page->attached, 1, __ATOMIC_SEQ_CST);
  die_with_watcher();
}

static int64_t now_us(void) { return __atomic_load_n(&page->now_us, __ATOMIC_SEQ_CST); }

// The first thing that is refused is what the watcher hears of.
static void refuse(const char* format, const char* what) {
  if (__atomic_load_n(&page->refusals, __ATOMIC_SEQ_CST) != 0) return;
  snprintf(page->refused, sizeof page->refused, format, what);
  __atomic_store_n(&page->refusals, 1, __ATOMIC_SEQ_CST);
}

static int unsupported(const char* call) {
  refuse("waits with %s, which the virtual clock does not cover", call);
  errno = ENOSYS;
  return -1;
}

// There is nothing to do before `until`; that was so at `epoch`.
static void announce(uint64_t epoch, int64_t until) {
  if (geteuid() != last_user) {
    last_user = geteuid();
    die_with_watcher();
  }
  __atomic_store_n(&page->until_us, until, __ATOMIC_SEQ_CST);
  if (__atomic_exchange_n(&page->rested, epoch, __ATOMIC_SEQ_CST) == epoch) return;
  const int saved = errno;
  syscall(SYS_sendto, WEIR_CLOCK_SOCKET_FD, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
  errno = saved;
}

static int real_poll(struct pollfd* fds, nfds_t count, const struct timespec* limit, const sigset_t* mask) {
  struct timespec copy = {0, 0};
  if (limit != NULL) copy = *limit;
  return (int)syscall(SYS_ppoll, fds, count, limit == NULL ? NULL : &copy, mask, (size_t)(_NSIG / 8));
}

// Sleeps until the watcher or one of the descriptors has something; -1 for a signal. The last of `fds` is free.
static int doze(struct pollfd* fds, nfds_t count, const sigset_t* mask) {
  struct pollfd* watcher = &fds[count];
  watcher->fd = WEIR_CLOCK_SOCKET_FD;
  watcher->events = POLLIN;
  watcher->revents = 0;
  const int ready = real_poll(fds, count + 1, NULL, mask);
  if (ready < 0) return -1;
  if (watcher->revents & POLLNVAL) _exit(WEIR_CLOCK_FAILED);
  if (watcher->revents == 0) return 0;
  char bytes[64];
  const ssize_t got = syscall(SYS_recvfrom, WEIR_CLOCK_SOCKET_FD, bytes, sizeof bytes, MSG_DONTWAIT, NULL, NULL);
  if (got == 0 || (got < 0 && errno == ECONNRESET)) _exit(0);  // the watcher is gone
  return 0;
}

// --- the word ------------------------------------------------------------------------------------------

#define TALKS 4096

static unsigned char talks[TALKS];  // by descriptor: a connection to a stand-in that answers
static int has_spoken;

static void speaks(int fd) {
  if (fd >= 0 && fd < TALKS && talks[fd]) has_spoken = 1;
}

// Before any look at what is ready: those who were spoken to answer now.
static void stand_still(void) {
  static uint64_t handed;
  struct pollfd fds[1];
  if (has_spoken) {
    has_spoken = 0;
    __atomic_store_n(&page->handed, ++handed, __ATOMIC_SEQ_CST);
    syscall(SYS_sendto, WEIR_CLOCK_SOCKET_FD, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
    while (__atomic_load_n(&page->returned, __ATOMIC_SEQ_CST) < handed) doze(fds, 0, NULL);
  }
  while (__atomic_load_n(&page->hold, __ATOMIC_SEQ_CST) != 0) doze(fds, 0, NULL);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  speaks(fd);
  return syscall(SYS_write, fd, bytes, size);
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  speaks(fd);
  return syscall(SYS_writev, fd, parts, count);
}
ssize_t sendto(int fd, const void* bytes, size_t size, int flags, const struct sockaddr* to, socklen_t to_size) {
  speaks(fd);
  return syscall(SYS_sendto, fd, bytes, size, flags, to, to_size);
}
ssize_t send(int fd, const void* bytes, size_t size, int flags) { return sendto(fd, bytes, size, flags, NULL, 0); }
ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  speaks(fd);
  return syscall(SYS_sendmsg, fd, message, flags);
}

// --- timerfd: an eventfd that is written when the virtual clock says so ----------------------------------

#define TIMERS 64

static struct timer {
  int fd;  // 0 = free
  int64_t next_us, interval_us;
} timers[TIMERS];

static struct timer* timer_of(int fd) {
  for (int i = 0; i < TIMERS; ++i) {
    if (fd > 0 && timers[i].fd == fd) return &timers[i];
  }
  return NULL;
}

static int64_t next_timer(void) {
  int64_t next = NEVER;
  for (int i = 0; i < TIMERS; ++i) {
    if (timers[i].fd > 0 && timers[i].next_us < next) next = timers[i].next_us;
  }
  return next;
}

static void fire_timers(void) {
  const int64_t now = now_us();
  for (int i = 0; i < TIMERS; ++i) {
    struct timer* timer = &timers[i];
    if (timer->fd <= 0 || timer->next_us > now) continue;
    uint64_t times = 1;
    if (timer->interval_us > 0) {
      times += (uint64_t)((now - timer->next_us) / timer->interval_us);
      timer->next_us += (int64_t)times * timer->interval_us;
    } else {
      timer->next_us = NEVER;
    }
    if (write(timer->fd, &times, sizeof times) < 0) timer->next_us = NEVER;
  }
}

static void forget_count(int fd) {
  struct pollfd one = {fd, POLLIN, 0};
  const struct timespec none = {0, 0};
  uint64_t count;
  if (real_poll(&one, 1, &none, NULL) == 1 && read(fd, &count, sizeof count) < 0) errno = 0;
}

static int64_t micros(const struct timespec* time) { return time->tv_sec * SECOND + (time->tv_nsec + 999) / 1000; }

static struct timespec spec(int64_t us) {
  const struct timespec time = {us / SECOND, us % SECOND * 1000};
  return time;
}

int timerfd_create(int clock, int flags) {
  (void)clock;
  struct timer* timer = NULL;
  for (int i = 0; i < TIMERS && timer == NULL; ++i) {
    if (timers[i].fd <= 0) timer = &timers[i];
  }
  if (timer == NULL) return unsupported("more timers than timerfd_create is good for");
  const int fd = eventfd(0, (flags & TFD_NONBLOCK ? EFD_NONBLOCK : 0) | (flags & TFD_CLOEXEC ? EFD_CLOEXEC : 0));
  if (fd <= 0) return fd;
  timer->fd = fd;
  timer->next_us = NEVER;
  timer->interval_us = 0;
  return fd;
}

int timerfd_gettime(int fd, struct itimerspec* value) {
  const struct timer* timer = timer_of(fd);
  if (timer == NULL) {
    errno = EINVAL;
    return -1;
  }
  const int64_t left = timer->next_us == NEVER ? 0 : timer->next_us - now_us();
  value->it_value = spec(left > 0 ? left : 0);
  value->it_interval = spec(timer->interval_us);
  return 0;
}

int timerfd_settime(int fd, int flags, const struct itimerspec* value, struct itimerspec* old) {
  struct timer* timer = timer_of(fd);
  if (timer == NULL) {
    errno = EINVAL;
    return -1;
  }
  if (old != NULL) timerfd_gettime(fd, old);
  const int64_t first = micros(&value->it_value);
  timer->next_us = first == 0 ? NEVER : flags & TFD_TIMER_ABSTIME ? first : now_us() + first;
  timer->interval_us = micros(&value->it_interval);
  forget_count(fd);
  return 0;
}

int close(int fd) {
  struct timer* timer = timer_of(fd);
  if (timer != NULL) timer->fd = 0;
  if (fd >= 0 && fd < TALKS) talks[fd] = 0;
  if (page != NULL && fd == WEIR_CLOCK_SOCKET_FD) return 0;
  return (int)syscall(SYS_close, fd);
}

// --- the clock -----------------------------------------------------------------------------------------

static int is_cpu_clock(clockid_t clock) {
  return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID || clock < 0;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  if (page == NULL || is_cpu_clock(clock)) return (int)syscall(SYS_clock_gettime, clock, time);
  *time = spec(now_us());
  return 0;
}

time_t time(time_t* result) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval* restrict result, void* restrict zone) {
  (void)zone;
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_REALTIME, &now);
  result->tv_sec = now.tv_sec;
  result->tv_usec = now.tv_nsec / 1000;
  return 0;
}

int timespec_get(struct timespec* time, int base) {
  return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, time) == 0 ? base : 0;
}

// --- waiting -------------------------------------------------------------------------------------------

// How a wait looks, without waiting, at what is ready.
struct look {
  int (*ready)(const struct look* look);
  int epoll, count;
  struct epoll_event* events;
  struct pollfd* fds;
  nfds_t fd_count;
  fd_set *reads, *writes, *excepts;
  const sigset_t* mask;
};

// `fds` wake the waiting; the last of them is free.
static int await(const struct look* look, int64_t until, struct pollfd* fds, nfds_t count) {
  for (;;) {
    stand_still();
    const uint64_t epoch = __atomic_load_n(&page->epoch, __ATOMIC_SEQ_CST);
    fire_timers();
    const int ready = look->ready(look);
    if (ready != 0 || until <= now_us()) return ready;
    const int64_t timer = next_timer();
    announce(epoch, timer < until ? timer : until);
    if (doze(fds, count, look->mask) < 0) return -1;
  }
}

static int64_t deadline(int64_t limit_us) { return limit_us < 0 ? NEVER : now_us() + limit_us; }
static int64_t millis(int limit) { return limit < 0 ? -1 : (int64_t)limit * 1000; }

static int epoll_ready(const struct look* look) {
  return (int)syscall(SYS_epoll_pwait, look->epoll, look->events, look->count, 0, look->mask, (size_t)(_NSIG / 8));
}

static int await_epoll(int epoll, struct epoll_event* events, int count, int64_t limit_us, const sigset_t* mask) {
  struct look look = {.ready = epoll_ready, .epoll = epoll, .count = count, .events = events, .mask = mask};
  struct pollfd fds[2] = {{.fd = epoll, .events = POLLIN}};
  return await(&look, deadline(limit_us), fds, 1);
}

int epoll_wait(int epoll, struct epoll_event* events, int count, int limit) {
  return await_epoll(epoll, events, count, millis(limit), NULL);
}
int epoll_pwait(int epoll, struct epoll_event* events, int count, int limit, const sigset_t* mask) {
  return await_epoll(epoll, events, count, millis(limit), mask);
}
int epoll_pwait2(int epoll, struct epoll_event* events, int count, const struct timespec* limit, const sigset_t* mask) {
  return await_epoll(epoll, events, count, limit == NULL ? -1 : micros(limit), mask);
}

static int poll_ready(const struct look* look) {
  const struct timespec none = {0, 0};
  return real_poll(look->fds, look->fd_count, &none, look->mask);
}

static int await_poll(struct pollfd* fds, nfds_t count, int64_t limit_us, const sigset_t* mask) {
  if (limit_us == 0 && page == NULL) return real_poll(fds, count, &(struct timespec){0, 0}, mask);
  struct pollfd few[64];
  struct pollfd* copy = count < 64 ? few : malloc((count + 1) * sizeof *copy);
  if (copy == NULL) return -1;
  if (count > 0) memcpy(copy, fds, count * sizeof *copy);
  struct look look = {.ready = poll_ready, .fds = fds, .fd_count = count, .mask = mask};
  const int ready = await(&look, deadline(limit_us), copy, count);
  const int saved = errno;
  if (copy != few) free(copy);
  errno = saved;
  return ready;
}

int poll(struct pollfd* fds, nfds_t count, int limit) { return await_poll(fds, count, millis(limit), NULL); }
int ppoll(struct pollfd* fds, nfds_t count, const struct timespec* limit, const sigset_t* mask) {
  return await_poll(fds, count, limit == NULL ? -1 : micros(limit), mask);
}
int __poll_chk(struct pollfd* fds, nfds_t count, int limit, size_t size);
int __poll_chk(struct pollfd* fds, nfds_t count, int limit, size_t size) {
  if (size / sizeof *fds < count) abort();
  return poll(fds, count, limit);
}
int __ppoll_chk(struct pollfd* fds, nfds_t count, const struct timespec* limit, const sigset_t* mask, size_t size);
int __ppoll_chk(struct pollfd* fds, nfds_t count, const struct timespec* limit, const sigset_t* mask, size_t size) {
  if (size / sizeof *fds < count) abort();
  return ppoll(fds, count, limit, mask);
}

static int is_set(int fd, const fd_set* set) { return set != NULL && FD_ISSET(fd, set); }

// The sets say what is asked for until something is ready.
static int select_ready(const struct look* look) {
  fd_set sets[3];
  fd_set* const given[3] = {look->reads, look->writes, look->excepts};
  fd_set* asked[3] = {NULL, NULL, NULL};
  for (int i = 0; i < 3; ++i) {
    if (given[i] == NULL) continue;
    sets[i] = *given[i];
    asked[i] = &sets[i];
  }
  struct timespec none = {0, 0};
  const struct {
    const sigset_t* mask;
    size_t size;
  } mask = {look->mask, _NSIG / 8};
  const int ready = (int)syscall(SYS_pselect6, look->count, asked[0], asked[1], asked[2], &none, &mask);
  for (int i = 0; i < 3 && ready > 0; ++i) {
    if (given[i] != NULL) *given[i] = sets[i];
  }
  return ready;
}

static void clear_sets(const struct look* look) {
  if (look->reads != NULL) FD_ZERO(look->reads);
  if (look->writes != NULL) FD_ZERO(look->writes);
  if (look->excepts != NULL) FD_ZERO(look->excepts);
}

static int await_select(const struct look* look, int64_t limit_us) {
  struct pollfd fds[FD_SETSIZE + 1];
  nfds_t count = 0;
  for (int fd = 0; fd < look->count && fd < FD_SETSIZE; ++fd) {
    const int events = (is_set(fd, look->reads) ? POLLIN : 0) | (is_set(fd, look->writes) ? POLLOUT : 0) |
                       (is_set(fd, look->excepts) ? POLLPRI : 0);
    if (events != 0) fds[count++] = (struct pollfd){fd, (short)events, 0};
  }
  const int ready = await(look, deadline(limit_us), fds, count);
  if (ready == 0) clear_sets(look);
  return ready;
}

static int pause_for(int64_t us, struct timespec* left);

int select(int count, fd_set* reads, fd_set* writes, fd_set* excepts, struct timeval* limit) {
  const int64_t limit_us = limit == NULL ? -1 : limit->tv_sec * SECOND + limit->tv_usec;
  if (count == 0 && limit_us >= 0) return pause_for(limit_us, NULL);
  const struct look look = {
      .ready = select_ready, .count = count, .reads = reads, .writes = writes, .excepts = excepts};
  return await_select(&look, limit_us);
}
int pselect(int count, fd_set* reads, fd_set* writes, fd_set* excepts, const struct timespec* limit,
            const sigset_t* mask) {
  const struct look look = {
      .ready = select_ready, .count = count, .reads = reads, .writes = writes, .excepts = excepts, .mask = mask};
  return await_select(&look, limit == NULL ? -1 : micros(limit));
}

// --- reading: who waits for bytes, waits like everybody else ---------------------------------------------

// The reading itself will not wait, or is to fail.
static void await_input(int fd) {
  if (page == NULL) return;
  const int saved = errno;
  struct pollfd one = {fd, POLLIN, 0};
  const struct timespec none = {0, 0};
  if (real_poll(&one, 1, &none, NULL) == 0 && (syscall(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK) == 0) {
    await_poll(&one, 1, -1, NULL);
  }
  errno = saved;
}

ssize_t read(int fd, void* bytes, size_t size) {
  await_input(fd);
  return syscall(SYS_read, fd, bytes, size);
}
ssize_t recvfrom(int fd, void* restrict bytes, size_t size, int flags, struct sockaddr* restrict from,
                 socklen_t* restrict from_size) {
  if ((flags & MSG_DONTWAIT) == 0) await_input(fd);
  return syscall(SYS_recvfrom, fd, bytes, size, flags, from, from_size);
}
ssize_t recv(int fd, void* bytes, size_t size, int flags) { return recvfrom(fd, bytes, size, flags, NULL, NULL); }
ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  if ((flags & MSG_DONTWAIT) == 0) await_input(fd);
  return syscall(SYS_recvmsg, fd, message, flags);
}
int accept4(int fd, struct sockaddr* restrict address, socklen_t* restrict size, int flags) {
  await_input(fd);
  return (int)syscall(SYS_accept4, fd, address, size, flags);
}
int accept(int fd, struct sockaddr* restrict address, socklen_t* restrict size) {
  return accept4(fd, address, size, 0);
}
ssize_t __read_chk(int fd, void* bytes, size_t size, size_t room);
ssize_t __read_chk(int fd, void* bytes, size_t size, size_t room) {
  if (room < size) abort();
  return read(fd, bytes, size);
}
ssize_t __recv_chk(int fd, void* bytes, size_t size, size_t room, int flags);
ssize_t __recv_chk(int fd, void* bytes, size_t size, size_t room, int flags) {
  if (room < size) abort();
  return recv(fd, bytes, size, flags);
}

// --- sleeping ------------------------------------------------------------------------------------------

// Until the clock says so; nothing else ends it but a signal, or a watcher that has seen the last words.
static int sleep_until(int64_t until) {
  struct pollfd fds[1];
  for (;;) {
    stand_still();
    const uint64_t epoch = __atomic_load_n(&page->epoch, __ATOMIC_SEQ_CST);
    if (until <= now_us() || __atomic_load_n(&page->hurry, __ATOMIC_SEQ_CST) != 0) return 0;
    announce(epoch, until);
    if (doze(fds, 0, NULL) < 0) return -1;
  }
}

// Less than a second is for somebody else's benefit, who lives in real time.
static int pause_for(int64_t us, struct timespec* left) {
  if (us < SECOND || page == NULL) {
    const struct timespec time = spec(us);
    return (int)syscall(SYS_nanosleep, &time, left);
  }
  const int64_t until = now_us() + us;
  const int result = sleep_until(until);
  if (result < 0 && left != NULL) *left = spec(until > now_us() ? until - now_us() : 0);
  return result;
}

int nanosleep(const struct timespec* time, struct timespec* left) { return pause_for(micros(time), left); }

int clock_nanosleep(clockid_t clock, int flags, const struct timespec* time, struct timespec* left) {
  if (is_cpu_clock(clock)) return unsupported("clock_nanosleep of CPU time") < 0 ? ENOSYS : 0;
  const int result = flags & TIMER_ABSTIME ? sleep_until(micros(time)) : pause_for(micros(time), left);
  return result < 0 ? errno : 0;
}

unsigned sleep(unsigned seconds) {
  struct timespec left = {0, 0};
  return pause_for(seconds * SECOND, &left) < 0 ? (unsigned)left.tv_sec : 0;
}

int usleep(useconds_t us) { return pause_for(us, NULL); }

int timer_create(clockid_t clock, struct sigevent* event, timer_t* timer) {
  (void)clock, (void)event, (void)timer;
  return unsupported("timer_create");
}
int sigtimedwait(const sigset_t* set, siginfo_t* info, const struct timespec* limit) {
  (void)set, (void)info, (void)limit;
  return unsupported("sigtimedwait");
}
int sem_timedwait(sem_t* semaphore, const struct timespec* limit) {
  (void)semaphore, (void)limit;
  return unsupported("sem_timedwait");
}

// --- time stamps of files: "now" is virtual -------------------------------------------------------------

static int stamp(int folder, const char* path, const struct timespec* times, int flags) {
  struct timespec given[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
  if (times != NULL) memcpy(given, times, sizeof given);
  for (int i = 0; i < 2; ++i) {
    if (given[i].tv_nsec == UTIME_NOW) given[i] = spec(now_us());
  }
  return (int)syscall(SYS_utimensat, folder, path, given, flags);
}

static int stamp_val(int folder, const char* path, const struct timeval* times, int flags) {
  if (times == NULL) return stamp(folder, path, NULL, flags);
  const struct timespec given[2] = {{times[0].tv_sec, times[0].tv_usec * 1000},
                                    {times[1].tv_sec, times[1].tv_usec * 1000}};
  return stamp(folder, path, given, flags);
}

int utimensat(int folder, const char* path, const struct timespec times[2], int flags) {
  return stamp(folder, path, times, flags);
}
int futimens(int fd, const struct timespec times[2]) { return stamp(fd, NULL, times, 0); }
int utimes(const char* path, const struct timeval times[2]) { return stamp_val(AT_FDCWD, path, times, 0); }
int lutimes(const char* path, const struct timeval times[2]) {
  return stamp_val(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}
int futimes(int fd, const struct timeval times[2]) { return stamp_val(fd, NULL, times, 0); }
int futimesat(int folder, const char* path, const struct timeval times[2]) { return stamp_val(folder, path, times, 0); }
int utime(const char* path, const struct utimbuf* times) {
  if (times == NULL) return stamp(AT_FDCWD, path, NULL, 0);
  const struct timespec given[2] = {{times->actime, 0}, {times->modtime, 0}};
  return stamp(AT_FDCWD, path, given, 0);
}

// --- directories: read whole at the first look, given by name --------------------------------------------

struct listing {
  DIR* directory;
  struct dirent** entries;
  size_t count, next;
  struct listing* older;
};

static struct listing* listings;

static void* real(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (found == NULL) _exit(WEIR_CLOCK_FAILED);
  return found;
}

static int rank(const char* name) { return strcmp(name, ".") == 0 ? 0 : strcmp(name, "..") == 0 ? 1 : 2; }

static int by_name(const void* a, const void* b) {
  const char *first = (*(struct dirent*const*)a)->d_name, *second = (*(struct dirent*const*)b)->d_name;
  const int ranks = rank(first) - rank(second);
  return ranks != 0 ? ranks : strcmp(first, second);
}

static int append(struct listing* listing, const struct dirent* entry) {
  if ((listing->count & (listing->count - 1)) == 0) {  // full at each power of two
    const size_t room = listing->count == 0 ? 1 : listing->count * 2;
    struct dirent** larger = realloc(listing->entries, room * sizeof *larger);
    if (larger == NULL) return -1;
    listing->entries = larger;
  }
  struct dirent* copy = malloc(entry->d_reclen);
  if (copy == NULL) return -1;
  memcpy(copy, entry, entry->d_reclen);
  listing->entries[listing->count++] = copy;
  return 0;
}

static int read_all(struct listing* listing) {
  static struct dirent* (*next)(DIR*);
  if (next == NULL) next = (struct dirent * (*)(DIR*)) real("readdir");
  const int saved = errno;
  errno = 0;
  for (const struct dirent* entry = next(listing->directory); entry != NULL; entry = next(listing->directory)) {
    if (append(listing, entry) < 0) return -1;
  }
  if (errno != 0) return -1;
  errno = saved;
  if (listing->count > 0) qsort(listing->entries, listing->count, sizeof *listing->entries, by_name);
  return 0;
}

static struct listing** place_of(const DIR* directory) {
  struct listing** place = &listings;
  while (*place != NULL && (*place)->directory != directory) place = &(*place)->older;
  return place;
}

static void drop(const DIR* directory) {
  struct listing** place = place_of(directory);
  struct listing* listing = *place;
  if (listing == NULL) return;
  *place = listing->older;
  for (size_t i = 0; i < listing->count; ++i) free(listing->entries[i]);
  free(listing->entries);
  free(listing);
}

static struct listing* listing_of(DIR* directory) {
  struct listing* listing = *place_of(directory);
  if (listing != NULL) return listing;
  listing = calloc(1, sizeof *listing);
  if (listing == NULL) return NULL;
  listing->directory = directory;
  listing->older = listings;
  listings = listing;
  if (read_all(listing) == 0) return listing;
  const int saved = errno;
  drop(directory);
  errno = saved;
  return NULL;
}

struct dirent* readdir(DIR* directory) {
  struct listing* listing = listing_of(directory);
  if (listing == NULL || listing->next >= listing->count) return NULL;
  return listing->entries[listing->next++];
}
_Static_assert(sizeof(struct dirent) == sizeof(struct dirent64), "one layout for both");
struct dirent64* readdir64(DIR* directory) {
  return (struct dirent64*)readdir(directory);
}

int closedir(DIR* directory) {
  drop(directory);
  return ((int (*)(DIR*))real("closedir"))(directory);
}
void rewinddir(DIR* directory) {
  drop(directory);
  ((void (*)(DIR*))real("rewinddir"))(directory);
}
long telldir(DIR* directory) {
  const struct listing* listing = listing_of(directory);
  return listing == NULL ? -1 : (long)listing->next;
}
void seekdir(DIR* directory, long place) {
  struct listing* listing = listing_of(directory);
  if (listing != NULL && place >= 0) listing->next = (size_t)place;
}

// --- connections: to nobody but the stand-ins ------------------------------------------------------------

static int begins(const char* text, const char* with) { return strncmp(text, with, strlen(with)) == 0; }

// Account services of the system are none of a subject's own doing.
static int may_connect(const char* path) {
  if (path[0] != '/') return strstr(path, "..") == NULL;
  return begins(path, page->root) || begins(path, "/run/") || begins(path, "/var/run/") ||
         strcmp(path, "/dev/log") == 0;
}

int connect(int fd, const struct sockaddr* address, socklen_t size) {
  char text[128] = "";
  int allowed = 1;
  if (page != NULL && size >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &((const struct sockaddr_in*)(const void*)address)->sin_addr, text, sizeof text);
    allowed = 0;
  } else if (page != NULL && size >= sizeof(struct sockaddr_in6) && address->sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &((const struct sockaddr_in6*)(const void*)address)->sin6_addr, text, sizeof text);
    allowed = 0;
  } else if (page != NULL && size > offsetof(struct sockaddr_un, sun_path) && address->sa_family == AF_UNIX) {
    const size_t length = size - offsetof(struct sockaddr_un, sun_path);
    memcpy(text, ((const struct sockaddr_un*)(const void*)address)->sun_path, length < 127 ? length : 127);
    allowed = may_connect(text);
  }
  if (allowed) {
    const int result = (int)syscall(SYS_connect, fd, address, size);
    if (result == 0 && fd >= 0 && fd < TALKS) talks[fd] = strstr(text, "postlog") == NULL;
    if (result == 0) speaks(fd);
    return result;
  }
  refuse("connects to %s", text);
  errno = EACCES;
  return -1;
}
