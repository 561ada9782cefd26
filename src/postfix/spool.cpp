#include "postfix/spool.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <variant>

#include "contract/check.hpp"
#include "postfix/queue_folder.hpp"

namespace weir::postfix {

namespace {

namespace line = codec::line;

constexpr mode_t kDirectoryMode = 0700;
// Neither a symbolic link nor a pipe that was put in the place of the file leads anywhere.
constexpr int kOpenFlags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
constexpr int kSavedNamesMax = 100;  // tries to find a free name in saved/

// A queue file that is open, and a file.
class File {
 public:
  File(const std::string& path, int access) {
    const QueueFolder folder(path);
    error_ = folder.error();
    if (error_ != 0) return;
    fd_ = openat(folder.fd(), folder.name(), access | kOpenFlags);
    struct stat status {};
    if (fd_ < 0 || fstat(fd_, &status) != 0) {
      error_ = errno;
    } else if (!S_ISREG(status.st_mode)) {
      error_ = ENXIO;  // what opening a socket gives
    }
  }
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] int error() const { return error_; }  // 0 = good

 private:
  int fd_ = -1;
  int error_ = 0;
};

// A regular file gives fewer bytes than asked for only at its end.
class FileBytes : public codec::ByteSource {
 public:
  explicit FileBytes(int fd) : fd_(fd) {}
  [[nodiscard]] std::optional<std::size_t> read_at(std::int64_t offset, std::span<char> into) override {
    ssize_t got = 0;
    do {
      got = pread(fd_, into.data(), into.size(), offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return std::nullopt;
    return static_cast<std::size_t>(got);
  }

 private:
  int fd_;
};

bool exists(const std::string& path) {
  struct stat status {};
  return look_without_following(path, status) == 0;
}

bool is_link(const std::string& path) {
  struct stat status {};
  return look_without_following(path, status) == 0 && S_ISLNK(status.st_mode);
}

// The directory, as mail programs make them: for the owner only, and of our group even where the parent
// directory would have it otherwise.
int make_directory(const std::string& path) {
  const QueueFolder parent(path);
  if (parent.error() != 0) return parent.error();
  if (mkdirat(parent.fd(), parent.name(), kDirectoryMode) != 0) return errno == EEXIST ? 0 : errno;
  struct stat status {};
  const bool known = fstatat(parent.fd(), parent.name(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (!known || status.st_gid == getegid()) return 0;
  constexpr auto kSameUser = static_cast<uid_t>(-1);
  return fchownat(parent.fd(), parent.name(), kSameUser, getegid(), AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

int make_parents(const std::string& path) {
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const int error = make_directory(path.substr(0, slash));
    if (error != 0) return error;
  }
  return 0;
}

// The file itself is at fault (it was exchanged under our hands), not the surroundings.
bool is_fault_of_file(int error) { return is_link_in_the_way(error) || error == EISDIR || error == ENXIO; }

// 0, or the error number. A link goes itself.
int remove_entry(const std::string& path) {
  const QueueFolder folder(path);
  if (folder.error() != 0) return folder.error();
  return unlinkat(folder.fd(), folder.name(), 0) == 0 ? 0 : errno;
}

line::Because because(int error) { return error == ENOENT ? line::Because::gone : line::Because::other; }

bool lock(int fd) {
  int result = 0;
  do {
    result = flock(fd, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + " ";
  return text;
}

}  // namespace

Spool::Spool(Loop& loop, Voice& voice, const codec::ProcessSettings& settings)
    : loop_(loop),
      voice_(voice),
      hash_(joined(settings.hash_queue_names), settings.hash_queue_depth),
      read_settings_{settings.verp_delimiter_filter, settings.weir_personality != "oqmgr"},
      dont_remove_(settings.dont_remove),
      silent_removal_(settings.weir_silent_removal),
      old_texts_(settings.weir_old_texts) {}

std::string Spool::path(Queue queue, std::string_view queue_id) const { return hash_.path(to_string(queue), queue_id); }

// --- what is kept of a message ----------------------------------------------------------------------

void Spool::keep(MessageId id, const Message& message) {
  WEIR_CHECK(message.queue_id.size() <= std::numeric_limits<unsigned char>::max());
  const std::int64_t arrival = message.active_arrival.since_epoch.count();
  packing_.assign(sizeof(std::uint32_t), '\0');
  packing_.push_back(static_cast<char>(static_cast<unsigned char>(message.queue_id.size())));
  packing_ += message.queue_id;
  packing_.append(reinterpret_cast<const char*>(&arrival), sizeof arrival);
  message.reader.pack(packing_);
  const auto size = static_cast<std::uint32_t>(packing_.size());
  std::memcpy(packing_.data(), &size, sizeof size);

  Packed packed(new char[size]);
  std::memcpy(packed.get(), packing_.data(), size);
  messages_[id.value] = std::move(packed);
}

std::optional<std::string> Spool::queue_id_of(MessageId id) const {
  const auto found = messages_.find(id.value);
  if (found == messages_.end()) return std::nullopt;
  const char* const at = found->second.get() + sizeof(std::uint32_t);
  return std::string(at + 1, static_cast<unsigned char>(*at));
}

std::optional<Spool::Message> Spool::find(MessageId id) const {
  auto queue_id = queue_id_of(id);
  if (!queue_id) return std::nullopt;
  const char* const begin = messages_.at(id.value).get();
  std::uint32_t size = 0;
  std::memcpy(&size, begin, sizeof size);
  const char* at = begin + sizeof size + 1 + queue_id->size();
  std::int64_t arrival = 0;
  std::memcpy(&arrival, at, sizeof arrival);
  at += sizeof arrival;
  const std::string_view rest(at, static_cast<std::size_t>(begin + size - at));
  return Message{std::move(*queue_id), codec::QueueFileReader::unpack(rest), Time{Micros{arrival}}};
}

// --- scans -------------------------------------------------------------------------------------------

void Spool::recover_active() {
  QueueScan scan(voice_, Queue::active);
  while (const auto name = scan.next()) recover_entry(*name);
}

void Spool::recover_entry(const std::string& name) {
  if (!codec::is_queue_id(name)) {
    voice_.say(line::move_ignored_bad_name(name));
    return;
  }
  const std::string from = path(Queue::active, name);
  if (const int error = stamp(from, loop_.now().seconds()); error != 0) {
    complain(line::move_update_times(from, reason_of(error), because(error)), error);
    return;
  }
  if (const int error = move_file(from, path(Queue::incoming, name)); error != 0) {
    complain(line::move_rename(name, reason_of(error), because(error)), error);
  }
}

std::optional<QueueScan>& Spool::scan_of(Queue queue) {
  return queue == Queue::deferred ? deferred_scan_ : incoming_scan_;
}

void Spool::open_scan(Queue queue) { scan_of(queue).emplace(voice_, queue); }

Event Spool::scan_next(Queue queue) {
  auto& scan = scan_of(queue);
  auto name = scan ? scan->next() : std::nullopt;
  if (!name) {
    scan.reset();
    return ScanEnded{queue};
  }
  const FileLook look = look_at_file(voice_, hash_, queue, *name, loop_.now().seconds());
  return ScanEntry{queue, std::move(*name), look.state, look.mtime, look.flush_request, look.expire_request};
}

// --- renames -----------------------------------------------------------------------------------------

int Spool::rename_once(const std::string& from, const std::string& to) {
  const QueueFolder source(from), target(to);
  if (source.error() != 0) return source.error();
  if (target.error() != 0) return target.error();
  if (renameat(source.fd(), source.name(), target.fd(), target.name()) == 0) return 0;
  const int error = errno;
  // Over NFS a rename may be refused although it happened.
  if (exists(to) && !exists(from)) {
    voice_.say(line::nfs_rename_worked_around(from, to));
    return 0;
  }
  return error;
}

int Spool::move_file(const std::string& from, const std::string& to) {
  if (rename_once(from, to) == 0) return 0;
  if (const int error = make_parents(to); error != 0) return error;
  return rename_once(from, to);
}

int Spool::stamp(const std::string& path, Seconds second) {
  timespec time{};
  time.tv_sec = second.count();
  const timespec times[2] = {time, time};
  const QueueFolder folder(path);
  if (folder.error() != 0) return folder.error();
  if (utimensat(folder.fd(), folder.name(), times, AT_SYMLINK_NOFOLLOW) == 0) return 0;
  const int error = errno;
  return is_link(path) ? ELOOP : error;  // one of somebody else's
}

void Spool::complain(const codec::LogLine& line, int error) {
  if (is_link_in_the_way(error)) {
    voice_.warn(line.text);
  } else {
    voice_.say(line);
  }
}

// --- reading -----------------------------------------------------------------------------------------

//= R-QUE-02
Event Spool::admit(const Admit& command) {
  const std::string active = path(Queue::active, command.queue_id);
  if (const int error = move_file(path(command.from, command.queue_id), active); error != 0) {
    complain(line::feed_rename(command.queue_id, command.from, reason_of(error), because(error)), error);
    return not_admitted(command.message, AdmitProblem::not_moved);
  }
  Message message{command.queue_id, {}, loop_.now()};
  Event answer = open_and_read(command, message);
  keep(command.message, message);
  return answer;
}

Event Spool::open_and_read(const Admit& command, Message& message) {
  const std::string active = path(Queue::active, command.queue_id);
  const File file(active, O_RDWR);
  if (const int error = file.error(); error != 0) {
    say_not_opened(command.queue_id, error, is_fault_of_file(error));
    return not_admitted(command.message, is_fault_of_file(error) ? AdmitProblem::corrupt : AdmitProblem::vanished);
  }
  if (!lock(file.fd())) return not_admitted(command.message, AdmitProblem::locked);
  codec::ReadOutcome outcome = read_batch(message, file.fd(), active, command.at_most);
  if (!outcome.ok()) return not_admitted(command.message, AdmitProblem::corrupt);
  if (command.flush_request) drop_flush_request(file.fd(), active);
  const bool defer_log = command.expire_request && look_at_log("defer", command.queue_id) == LogFileState::present;
  return Admitted{command.message, message.reader.envelope(), std::move(outcome.batch), defer_log};
}

Event Spool::read_recipients(const ReadRecipients& command) {
  auto message = find(command.message);
  if (!message) return ReadFailed{command.message};
  const std::string active = path(Queue::active, message->queue_id);
  const File file(active, O_RDONLY);
  if (const int error = file.error(); error != 0) {
    say_not_opened(message->queue_id, error, is_fault_of_file(error));
    return ReadFailed{command.message};
  }
  codec::ReadOutcome outcome = read_batch(*message, file.fd(), active, command.at_most);
  keep(command.message, *message);
  if (!outcome.ok()) return ReadFailed{command.message};
  return RecipientsRead{command.message, std::move(outcome.batch)};
}

// Ends the process, unless the file has vanished or the trouble is the file's own.
void Spool::say_not_opened(const std::string& queue_id, int error, bool tolerable) {
  const codec::LogLine text = line::open_active(queue_id, reason_of(error), because(error));
  if (tolerable) {
    voice_.warn(text.text);
  } else {
    voice_.say(text);
  }
}

codec::ReadOutcome Spool::read_batch(Message& message, int fd, const std::string& path, std::int64_t at_most) {
  FileBytes bytes(fd);
  const auto log = [this, &message](const codec::Diagnostic& diagnostic) {
    if (const auto* warning = std::get_if<codec::FileWarning>(&diagnostic)) {
      if (!old_texts_) voice_.warn(warning->text);
    } else if (const auto* active = std::get_if<codec::FileActive>(&diagnostic)) {
      voice_.say_queue_active(message.queue_id, active->sender, active->size, active->recipients);
    }
  };
  codec::ReadOutcome outcome =
      message.reader.read(bytes, codec::QueueFileName{message.queue_id, path}, at_most, read_settings_, log);
  if (!outcome.ok() && old_texts_) voice_.warn(message.queue_id + ": envelope records out of order");
  return outcome;
}

void Spool::drop_flush_request(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) == 0 && fchmod(fd, status.st_mode & 07777U & ~static_cast<mode_t>(S_IRGRP)) == 0) return;
  voice_.die(line::fchmod_failed(path, reason_of(errno)));
}

void Spool::drop_unread(MessageId id) {
  auto message = find(id);
  if (!message) return;
  message->reader.drop_unread();
  keep(id, *message);
}

// --- logs of the bounce family, and our own file -------------------------------------------------------

LogFileState Spool::look_at_log(std::string_view directory, std::string_view queue_id) const {
  struct stat status {};
  if (look_without_following(hash_.path(directory, queue_id), status) != 0) return LogFileState::absent;
  return status.st_size == 0 ? LogFileState::empty : LogFileState::present;
}

void Spool::remove_defer_log(MessageId id) {
  const auto queue_id = queue_id_of(id);
  if (!queue_id) return;
  const int error = remove_entry(hash_.path("defer", *queue_id));
  if (error == 0 || error == ENOENT) return;
  complain(line::remove_defer_failed(*queue_id, reason_of(error)), error);
}

//= R-REP-01
//= R-REP-02
Event Spool::check_bounce_log(MessageId id) {
  const auto queue_id = queue_id_of(id);
  return BounceLogChecked{id, queue_id ? look_at_log("bounce", *queue_id) : LogFileState::absent};
}

void Spool::remove_bounce_log(MessageId id) {
  const auto queue_id = queue_id_of(id);
  if (!queue_id) return;
  const int error = remove_entry(hash_.path("bounce", *queue_id));
  if (error == 0 || error == ENOENT) return;
  complain(line::remove_bounce_failed(*queue_id, reason_of(error)), error);
}

Event Spool::check_file(MessageId id) {
  const auto queue_id = queue_id_of(id);
  if (!queue_id) return FileChecked{id, FileState::vanished};
  return FileChecked{id, look_at_file(voice_, hash_, Queue::active, *queue_id, loop_.now().seconds()).state};
}

// --- marks -------------------------------------------------------------------------------------------

void Spool::patch(const std::string& queue_id, const codec::Patch& patch) {
  const std::string active = path(Queue::active, queue_id);
  const File file(active, O_WRONLY);
  if (const int error = file.error(); error != 0) {
    // Held, deleted or declared corrupt by an agent meanwhile: the mark has lost its sense.
    say_not_opened(queue_id, error, error == EACCES || is_fault_of_file(error));
    return;
  }
  for (std::size_t done = 0; done < patch.bytes.size();) {
    const ssize_t put = pwrite(file.fd(), patch.bytes.data() + done, patch.bytes.size() - done,
                               patch.offset + static_cast<std::int64_t>(done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) voice_.die(line::update_file_failed(active, reason_of(put == 0 ? ENOSPC : errno)));
    done += static_cast<std::size_t>(put);
  }
}

void Spool::mark_done(MessageId id, std::int64_t offset) {
  if (const auto queue_id = queue_id_of(id)) patch(*queue_id, codec::done_mark(offset));
}

void Spool::kill_trace(MessageId id) {
  const auto message = find(id);
  if (!message || message->reader.envelope().trace_offset <= 0) return;
  patch(message->queue_id, codec::kill_mark(message->reader.envelope().trace_offset));
}

void Spool::update_warn(MessageId id) {
  const auto message = find(id);
  if (!message) return;
  if (const auto change = message->reader.warn_sent()) patch(message->queue_id, *change);
}

// --- the end -----------------------------------------------------------------------------------------

void Spool::leave_active(MessageId id, Queue to, Seconds not_before) {
  const auto queue_id = queue_id_of(id);
  if (!queue_id) return;
  const std::string from = path(Queue::active, *queue_id);
  if (const int error = stamp(from, not_before); error != 0 && error != ENOENT) {
    complain(line::defer_update_times(from, reason_of(error)), error);
  }
  const auto move_to = [&](Queue queue) {
    const int error = move_file(from, path(queue, *queue_id));
    if (error != 0) complain(line::defer_rename(*queue_id, queue, reason_of(error), because(error)), error);
    return error;
  };
  // A message that has no place there waits in another queue for the same second.
  if (is_link_in_the_way(move_to(to)) && to != Queue::incoming) move_to(Queue::incoming);
  forget(id);
}

//= R-QUE-04
void Spool::retry(MessageId id, Seconds not_before) { leave_active(id, Queue::deferred, not_before); }

void Spool::cool_down(MessageId id, Seconds not_before) { leave_active(id, Queue::incoming, not_before); }

int Spool::unlink_or_save(const std::string& queue_id, const std::string& from) {
  if (!dont_remove_) return remove_entry(from);
  std::string saved = hash_.path("saved", queue_id);
  for (int tries = 0; exists(saved); ++tries) {
    if (tries == kSavedNamesMax) return EEXIST;
    saved += "+";
  }
  return move_file(from, saved);
}

void Spool::remove(MessageId id) {
  const auto queue_id = queue_id_of(id);
  if (!queue_id) return;
  const int error = unlink_or_save(*queue_id, path(Queue::active, *queue_id));
  if (error == 0) {
    if (!silent_removal_) voice_.say(line::removed(*queue_id));
  } else {
    complain(line::remove_failed(*queue_id, reason_of(error), because(error)), error);
  }
  forget(id);
}

//= R-QUE-06
//= R-DIA-03
void Spool::mark_corrupt(MessageId id) {
  const auto queue_id = queue_id_of(id);
  if (!queue_id) return;
  const int error = move_file(path(Queue::active, *queue_id), path(Queue::corrupt, *queue_id));
  if (error == 0) {
    voice_.say(line::saving_corrupt(*queue_id));
  } else if (error == ENOENT) {
    if (old_texts_) voice_.say(line::corrupt_file_gone(*queue_id, reason_of(error)));
  } else {
    complain(line::save_corrupt_failed(*queue_id, reason_of(error)), error);
  }
  forget(id);
}

void Spool::forget(MessageId id) { messages_.erase(id.value); }

}  // namespace weir::postfix
