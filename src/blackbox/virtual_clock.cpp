#include "blackbox/virtual_clock.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace weir::blackbox {
namespace {

constexpr std::int64_t kMicros = 1'000'000;

Failure failure(const char* call) { return {std::string(call) + ": " + std::strerror(errno)}; }

}  // namespace

Result<VirtualClock> VirtualClock::make(const std::string& root, std::int64_t unix_seconds) {
  VirtualClock clock;
  if (root.size() >= sizeof(weir_clock_page::root)) return Failure{"the path of the scratch folder is too long"};
  clock.memory_.reset(memfd_create("weir-clock", MFD_CLOEXEC));
  if (!clock.memory_.open() || ftruncate(clock.memory_.get(), WEIR_CLOCK_PAGE_SIZE) != 0) return failure("memfd");
  void* memory = mmap(nullptr, WEIR_CLOCK_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, clock.memory_.get(), 0);
  if (memory == MAP_FAILED) return failure("mmap");
  clock.page_ = static_cast<weir_clock_page*>(memory);
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return failure("socketpair");
  clock.ours_.reset(ends[0]);
  clock.theirs_.reset(ends[1]);
  clock.page_->watcher = getpid();
  std::memcpy(clock.page_->root, root.c_str(), root.size() + 1);
  clock.set_seconds(unix_seconds);
  return clock;
}

VirtualClock::VirtualClock(VirtualClock&& other) noexcept
    : memory_(std::move(other.memory_)),
      ours_(std::move(other.ours_)),
      theirs_(std::move(other.theirs_)),
      page_(std::exchange(other.page_, nullptr)) {}

VirtualClock::~VirtualClock() {
  if (page_ != nullptr) munmap(page_, WEIR_CLOCK_PAGE_SIZE);
}

void VirtualClock::started() {
  memory_.reset();
  theirs_.reset();
}

std::int64_t VirtualClock::seconds() const { return __atomic_load_n(&page_->now_us, __ATOMIC_SEQ_CST) / kMicros; }

void VirtualClock::set_seconds(std::int64_t unix_seconds) {
  __atomic_store_n(&page_->now_us, unix_seconds * kMicros, __ATOMIC_SEQ_CST);
}

std::optional<std::int64_t> VirtualClock::next_second() const {
  const std::int64_t until = __atomic_load_n(&page_->until_us, __ATOMIC_SEQ_CST);
  if (until > std::numeric_limits<std::int64_t>::max() - kMicros) return std::nullopt;
  return (until + kMicros - 1) / kMicros;
}

bool VirtualClock::attached() const { return __atomic_load_n(&page_->attached, __ATOMIC_SEQ_CST) != 0; }

bool VirtualClock::handed_over() const {
  return __atomic_load_n(&page_->handed, __ATOMIC_SEQ_CST) != __atomic_load_n(&page_->returned, __ATOMIC_SEQ_CST);
}

void VirtualClock::give_back() {
  __atomic_store_n(&page_->returned, __atomic_load_n(&page_->handed, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
  wake();
}

void VirtualClock::hold() { __atomic_store_n(&page_->hold, 1U, __ATOMIC_SEQ_CST); }

void VirtualClock::challenge() {
  __atomic_add_fetch(&page_->epoch, 1, __ATOMIC_SEQ_CST);
  __atomic_store_n(&page_->hold, 0U, __ATOMIC_SEQ_CST);
  wake();
}

void VirtualClock::wake() { (void)send(ours_.get(), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL); }

bool VirtualClock::at_rest() const {
  return __atomic_load_n(&page_->rested, __ATOMIC_SEQ_CST) == __atomic_load_n(&page_->epoch, __ATOMIC_SEQ_CST);
}

void VirtualClock::read_socket() {
  std::array<char, 64> bytes{};
  while (recv(ours_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) == static_cast<ssize_t>(bytes.size())) {}
}

void VirtualClock::hurry() { __atomic_store_n(&page_->hurry, 1U, __ATOMIC_SEQ_CST); }

std::optional<std::string> VirtualClock::refused() const {
  if (__atomic_load_n(&page_->refusals, __ATOMIC_SEQ_CST) == 0) return std::nullopt;
  const auto& text = page_->refused;
  return std::string(text, strnlen(text, sizeof text));
}

}  // namespace weir::blackbox
