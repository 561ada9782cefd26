#include "blackbox/scratch.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

#include "blackbox/stand_in/notes.hpp"
#include "blackbox/surroundings.hpp"
#include "codec/record.hpp"

namespace weir::blackbox {
namespace {

namespace fs = std::filesystem;

constexpr std::array kQueues = {"incoming", "active", "deferred", "corrupt", "hold"};
constexpr std::array kFolders = {"incoming", "active", "deferred", "bounce",   "defer", "corrupt", "hold",
                                 "flush",    "saved",  "trace",    "maildrop", "pid",   "private", "public"};

constexpr const char* kGone = "gone";

timespec unix_time(std::int64_t now) { return {kStart + now, 0}; }

// Of a file that was written just now: the kernel has put its own time.
void keep_time(int file, std::int64_t now) {
  const std::array<timespec, 2> times = {unix_time(now), unix_time(now)};
  (void)futimens(file, times.data());
}

std::string parameter(const std::map<std::string, std::string>& all, const std::string& name, std::string other) {
  const auto found = all.find(name);
  return found == all.end() ? std::move(other) : found->second;
}

// Offset and size, from the size record.
std::optional<std::pair<std::int64_t, std::int64_t>> content_of(const std::string& bytes) {
  constexpr std::size_t kHeader = 2;
  char* rest = nullptr;
  const std::int64_t size = std::strtoll(bytes.c_str() + kHeader, &rest, 10);
  return std::pair(std::int64_t{std::strtoll(rest, nullptr, 10)}, size);
}

Failure failure(const fs::path& path) { return {path.string() + ": " + std::strerror(errno)}; }

}  // namespace

Result<std::unique_ptr<Scratch>> Scratch::make(const fs::path& root, std::optional<Owner> owner,
                                               const std::map<std::string, std::string>& main_cf) {
  std::error_code error;
  if (root.has_parent_path()) fs::create_directories(root.parent_path(), error);
  if (mkdir(root.c_str(), 0755) != 0) return failure(root);
  std::unique_ptr<Scratch> scratch(new Scratch(root, owner));
  const std::string depth = parameter(main_cf, "hash_queue_depth", "1");
  scratch->hash_ =
      codec::QueueHash(parameter(main_cf, "hash_queue_names", "deferred, defer"), std::atoi(depth.c_str()));
  if (auto failed = scratch->make_folders()) return *failed;
  if (auto failed = scratch->write_main_cf(main_cf)) return *failed;
  scratch->watch_queues();
  return scratch;
}

Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

std::optional<Failure> Scratch::make_folders() {
  if (chmod(root_.c_str(), 0755) != 0) return failure(root_);
  for (const fs::path& path : {configuration(root_), data(root_), queue(root_)}) {
    if (mkdir(path.c_str(), 0755) != 0 || chmod(path.c_str(), 0755) != 0) return failure(path);
  }
  if (owner_ && chown(data(root_).c_str(), owner_->user, owner_->group) != 0) return failure(data(root_));
  for (const std::string_view name : kFolders) {
    const fs::path path = queue(root_) / name;
    if (mkdir(path.c_str(), 0755) != 0 || chmod(path.c_str(), 0755) != 0) return failure(path);
    if (owner_ && name != "pid" && chown(path.c_str(), owner_->user, static_cast<gid_t>(-1)) != 0) return failure(path);
  }
  return std::nullopt;
}

std::optional<Failure> Scratch::write_main_cf(const std::map<std::string, std::string>& parameters) {
  std::ofstream main_cf(configuration(root_) / "main.cf");
  for (const auto& [name, value] : parameters) main_cf << name << " = " << value << '\n';
  std::ofstream master_cf(configuration(root_) / "master.cf");
  if (main_cf.flush() && master_cf.flush()) return std::nullopt;
  return failure(configuration(root_));
}

void Scratch::watch_queues() {
  changes_.reset(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  for (const std::string_view name : kQueues) {
    const fs::path path = queue(root_) / name;
    if (hash_.hashes(name)) look_everywhere_ = true;
    const int watch = inotify_add_watch(changes_.get(), path.c_str(), IN_CREATE | IN_DELETE | IN_MOVE);
    if (watch < 0) look_everywhere_ = true;
  }
}

fs::path Scratch::path_of(std::string_view queue_name, const std::string& id) const {
  return queue(root_) / hash_.path(queue_name, id);
}

bool Scratch::write_file(const fs::path& path, std::string_view bytes, unsigned mode, std::int64_t now) const {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const std::array<timespec, 2> times = {unix_time(now), unix_time(now)};
  return file.open() && write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
         (!owner_ || fchown(file.get(), owner_->user, owner_->group) == 0) && fchmod(file.get(), mode) == 0 &&
         futimens(file.get(), times.data()) == 0;
}

// Hash folders belong to the subject.
void Scratch::make_folder_of(const fs::path& path) const {
  const fs::path folder = path.parent_path();
  if (access(folder.c_str(), F_OK) == 0) return;
  make_folder_of(folder);
  (void)mkdir(folder.c_str(), 0755);
  if (owner_) (void)!chown(folder.c_str(), owner_->user, owner_->group);
}

bool Scratch::put(const NewMessage& message, std::int64_t now) {
  const std::string id = stand_in::id_of(message.name);
  const fs::path half = root_ / "half";
  const fs::path whole = path_of(to_string(message.queue), id);
  const std::string bytes = queue_file(message, kStart + now);
  if (!write_file(half, bytes, message.mode, now)) return false;
  make_folder_of(whole);
  if (rename(half.c_str(), whole.c_str()) != 0) return false;
  files_.emplace(message.name, File{"", message.records.empty() ? content_of(bytes) : std::nullopt});
  changed_.insert(message.name);
  return true;
}

bool Scratch::put_bounce_log(const std::string& message) {
  const auto known = files_.find(message);
  if (known == files_.end() || known->second.place == kGone) return false;
  const fs::path path = path_of("bounce", stand_in::id_of(message));
  make_folder_of(path);
  return write_file(path, "<user@test.example>: refused\n", 0600, 0);
}

void Scratch::remove_bounce_log(const std::string& id) {
  if (codec::is_queue_id(id)) (void)unlink(path_of("bounce", id).c_str());
}

bool Scratch::cut(const std::string& message, std::int64_t now) {
  const auto known = files_.find(message);
  if (known == files_.end() || known->second.place == kGone) return false;
  const fs::path path = path_of(known->second.place, stand_in::id_of(message));
  const Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  if (!file.open() || fstat(file.get(), &status) != 0 || ftruncate(file.get(), status.st_size / 2) != 0) return false;
  known->second.is_cut = true;
  keep_time(file.get(), now);
  return true;
}

bool Scratch::move(const std::string& message, std::string_view from, std::string_view to) {
  const std::string id = stand_in::id_of(message);
  if (!files_.contains(message)) return false;
  make_folder_of(path_of(to, id));
  if (rename(path_of(from, id).c_str(), path_of(to, id).c_str()) != 0) return false;
  changed_.insert(message);
  return true;
}

bool Scratch::hold(const std::string& message) {
  return move(message, "incoming", "hold") || move(message, "deferred", "hold");
}

bool Scratch::release(const std::string& message) { return move(message, "hold", "deferred"); }

bool Scratch::agrees(const codec::DeliveryRequest& request) const {
  const auto known = files_.find(stand_in::message_of(request.queue_id));
  if (known == files_.end() || request.queue_name != "active") return false;
  const auto& content = known->second.content;
  return !content || (request.offset == content->first && request.size == content->second);
}

Scratch::Marked Scratch::mark_done(const codec::DeliveryRequest& request, std::int64_t now) {
  if (!codec::is_queue_id(request.queue_id)) return Marked::nonsense;
  const Descriptor file(open(path_of("active", request.queue_id).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!file.open()) return Marked::no_file;
  const auto known = files_.find(stand_in::message_of(request.queue_id));
  const bool is_cut = known != files_.end() && known->second.is_cut;
  for (const Recipient& recipient : request.recipients) {
    char type = 0;
    const ssize_t got = pread(file.get(), &type, 1, recipient.offset);
    if (got == 0 && is_cut) continue;
    if (got != 1 || (type != codec::record::kRecipient && type != codec::record::kDone)) return Marked::nonsense;
    type = codec::record::kDone;
    if (pwrite(file.get(), &type, 1, recipient.offset) != 1) return Marked::no_file;
  }
  keep_time(file.get(), now);
  return Marked::all;
}

void Scratch::read_changes() {
  alignas(inotify_event) std::array<char, 16384> room;
  for (;;) {
    const ssize_t got = read(changes_.get(), room.data(), room.size());
    if (got <= 0) return;
    for (const char* at = room.data(); at < room.data() + got;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      if ((event.mask & (IN_ISDIR | IN_Q_OVERFLOW)) != 0) look_everywhere_ = true;
      if (event.len > 0) changed_.insert(stand_in::message_of(at + sizeof event));
      at += sizeof event + event.len;
    }
  }
}

std::vector<Moved> Scratch::moves(std::int64_t now) {
  read_changes();
  if (look_everywhere_) {
    for (const auto& [message, file] : files_) changed_.insert(message);
  }
  std::vector<Moved> list;
  for (const std::string& message : std::exchange(changed_, {})) {
    const auto known = files_.find(message);
    if (known == files_.end()) continue;
    Moved seen = look_for(message, now);
    if (seen.to == known->second.place) continue;
    known->second.place = seen.to;
    list.push_back(std::move(seen));
  }
  return list;
}

Moved Scratch::look_for(const std::string& message, std::int64_t now) const {
  const std::string id = stand_in::id_of(message);
  for (const std::string_view name : kQueues) {
    struct stat found {};
    if (lstat(path_of(name, id).c_str(), &found) != 0) continue;
    Moved seen{message, std::string(name), std::nullopt};
    const std::int64_t due = found.st_mtime - kStart;
    if (name == "deferred" || (name == "incoming" && due > now)) seen.wakeup = due;
    return seen;
  }
  return {message, kGone, std::nullopt};
}

std::uint64_t Scratch::bytes_used() const {
  constexpr std::uint64_t kBlock = 512;
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(root_, error), end; !error && at != end; at.increment(error)) {
    struct stat found {};
    if (lstat(at->path().c_str(), &found) == 0) bytes += static_cast<std::uint64_t>(found.st_blocks) * kBlock;
  }
  return bytes;
}

}  // namespace weir::blackbox
