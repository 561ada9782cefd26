#include "postfix/trace_recorder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <variant>

#include "postfix/voice.hpp"
#include "trace/write.hpp"

namespace weir::postfix {
namespace {

constexpr std::size_t kFlushAbove = std::size_t{1} << 18;
constexpr std::int64_t kEndReserve = 256;  // of the limit, for the last line

// Opened as if somebody else might have made it: no link is followed, no device or pipe is waited for.
int open_to_append(const std::string& path) {
  return open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
}

// Why nothing is recorded into this file; empty: all is well.
std::string refusal(int fd) {
  struct stat status {};
  if (fd < 0 || fstat(fd, &status) != 0) return reason_of(errno);
  if (!S_ISREG(status.st_mode)) return "not a regular file";
  if (status.st_uid != geteuid()) return "it belongs to somebody else";
  return "";
}

// 0, or the errno of what went wrong. Nothing of the text is left in the file then.
int append(int fd, std::string_view text, std::int64_t size_before) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int error = written < 0 ? errno : ENOSPC;
      if (ftruncate(fd, size_before) != 0) return error;  // a reader finds a cut line
      return error;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

TraceRecorder::TraceRecorder(std::unique_ptr<Brain> inner, LogSink& log, Settings settings, TraceHeader header)
    : inner_(std::move(inner)), log_(log), settings_(std::move(settings)) {
  fd_ = open_to_append(settings_.path);
  if (const std::string why = refusal(fd_); !why.empty()) {
    stop(why);
  } else {
    begin(std::move(header));
  }
}

TraceRecorder::~TraceRecorder() { finish(); }

void TraceRecorder::begin(TraceHeader header) {
  header.version = kTraceVersion;
  header.addresses = settings_.hashed ? "hashed" : "plain";
  if (settings_.hashed) {
    pseudonyms_.emplace(header.config);
    header.config = pseudonyms_->hidden(header.config);
  }
  add(trace::line_of(header));
}

void TraceRecorder::handle(Time now, const Event& event, std::vector<Command>& out) {
  const std::size_t before = out.size();
  inner_->handle(now, event, out);
  if (fd_ < 0) return;
  record(now, event, out.data() + before, out.size() - before);
  const bool round = std::holds_alternative<Turn>(event);
  if (fd_ >= 0 && (round || waiting_.size() > kFlushAbove)) flush();
}

void TraceRecorder::record(Time now, const Event& event, const Command* first, std::size_t count) {
  TraceStep step{now, event, {first, first + count}, inner_->next_deadline(), inner_->wants_turn()};
  if (pseudonyms_) {
    step.event = pseudonyms_->hidden(std::move(step.event));
    for (Command& command : step.commands) command = pseudonyms_->hidden(std::move(command));
    if (!pseudonyms_->good()) {
      return stop("an address cannot be replaced without changing decisions", "an address cannot be replaced");
    }
    if (static_cast<std::int64_t>(pseudonyms_->bytes()) > settings_.limit) return stop("too many addresses", "limit");
  }
  add(trace::line_of(step));
}

void TraceRecorder::add(const std::string& line) {
  if (line.size() > kTraceLineMax) return stop("an event is too long", "an event is too long");
  const auto all = static_cast<std::int64_t>(waiting_.size() + line.size() + 1);
  if (size_ + all + kEndReserve > settings_.limit) return stop("it has reached its limit", "limit");
  waiting_ += line;
  waiting_ += '\n';
}

// One process writes at a time. A line that an earlier one left unfinished is closed first.
bool TraceRecorder::may_write() {
  if (locked_) return true;
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    if (waiting_.size() > kWaitingMax) stop("another process records there");
    return false;
  }
  locked_ = true;
  struct stat status {};
  if (fstat(fd_, &status) != 0) return stop(reason_of(errno)), false;
  size_ = status.st_size;
  char last = '\n';
  if (size_ > 0 && pread(fd_, &last, 1, size_ - 1) == 1 && last != '\n') waiting_.insert(waiting_.begin(), '\n');
  if (size_ + static_cast<std::int64_t>(waiting_.size()) + kEndReserve > settings_.limit) {
    return stop("it has reached its limit"), false;
  }
  return true;
}

void TraceRecorder::flush() {
  if (fd_ < 0 || waiting_.empty() || !may_write()) return;
  if (const int error = append(fd_, waiting_, size_)) return stop(reason_of(error));
  size_ += static_cast<std::int64_t>(waiting_.size());
  waiting_.clear();
}

void TraceRecorder::finish() {
  if (fd_ < 0) return;
  waiting_ += trace::line_of(TraceEnd{"exit"}) + '\n';
  flush();
  hang_up();
}

// With an `end`, what has been recorded is kept, and says why it goes no further.
void TraceRecorder::stop(std::string_view why, std::string_view end) {
  log_.warning("trace " + settings_.path + ": nothing more is recorded: " + std::string(why));
  if (!end.empty() && locked_) {
    waiting_ += trace::line_of(TraceEnd{std::string(end)}) + '\n';
    (void)append(fd_, waiting_, size_);
  }
  hang_up();
}

void TraceRecorder::hang_up() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  waiting_ = {};
  pseudonyms_.reset();
}

}  // namespace weir::postfix
