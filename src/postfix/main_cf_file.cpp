#include "postfix/main_cf_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "contract/time.hpp"
#include "postfix/clock.hpp"
#include "postfix/voice.hpp"

namespace weir::postfix {

namespace {

constexpr long kPauseNanoseconds = 300'000'000;
constexpr int kMaxReadings = 100;

struct Snapshot {
  std::string text;
  std::string failure;  // empty = good
  Seconds modified{};
};

std::string read_all(int fd, std::string& failure) {
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      failure = "read: " + reason_of(errno);
      return text;
    }
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kLoadMax) {
      failure = "larger than " + std::to_string(kLoadMax) + " bytes";
      return text;
    }
  }
}

Snapshot take_snapshot(const std::string& path) {
  Snapshot snapshot;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    snapshot.failure = "open " + path + ": " + reason_of(errno);
    return snapshot;
  }
  snapshot.text = read_all(fd, snapshot.failure);
  if (!snapshot.failure.empty()) snapshot.failure = path + ": " + snapshot.failure;
  struct stat status {};
  if (fstat(fd, &status) == 0) snapshot.modified = Seconds{status.st_mtim.tv_sec};
  close(fd);
  return snapshot;
}

void pause() {
  timespec left{0, kPauseNanoseconds};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
}

}  // namespace

//= R-PAR-076
std::string config_directory() {
  const char* from_master = std::getenv("MAIL_CONFIG");
  return from_master == nullptr ? "/etc/postfix" : from_master;
}

codec::Notes read_main_cf_file(const std::string& config_directory, codec::Dictionary& dictionary, Patience patience) {
  const std::string path = config_directory + "/main.cf";
  codec::Notes notes;
  for (int reading = 1;; ++reading) {
    const Seconds begun = wall_clock().seconds();
    const Snapshot snapshot = take_snapshot(path);
    if (!snapshot.failure.empty()) {
      notes.fatal = snapshot.failure;
      return notes;
    }
    notes.append(codec::read_main_cf(dictionary, path, snapshot.text));
    if (!notes.ok()) return notes;
    // A file from the future was not edited just now.
    const bool settled = snapshot.modified < begun - Seconds{1} || snapshot.modified > wall_clock().seconds();
    if (settled || patience == Patience::none || reading == kMaxReadings) return notes;
    pause();
  }
}

Result<std::string> read_whole_file(const std::string& path) {
  Snapshot snapshot = take_snapshot(path);
  if (!snapshot.failure.empty()) return Failure{std::move(snapshot.failure)};
  return std::move(snapshot.text);
}

std::optional<std::string> load_file(const std::string& path) {
  Result<std::string> text = read_whole_file(path);
  if (!text) return std::nullopt;
  return std::move(*text);
}

}  // namespace weir::postfix
