#include "blackbox/stand_in/log.hpp"

#include <sys/socket.h>

#include <array>
#include <utility>

namespace weir::blackbox::stand_in {
namespace {

constexpr std::string_view kAllocate = "qmgr_active_drain: allocate ";
constexpr int kLinesPerRun = 100;
constexpr int kManyLines = 4;              // so many waited that the writer may have been waiting for room
constexpr std::uint64_t kLineMean = 1024;  // bytes of lines_max lines together, per line

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text.starts_with(word)) return true;
  }
  return false;
}

std::string_view without_end(std::string_view line) {
  const auto last = line.find_last_not_of(std::string_view("\0\n ", 3));
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// "Mon DD HH:MM:SS HOST TAG[PID]: TEXT"
struct Line {
  std::string_view tag, text;
};
Line parts_of(std::string_view line) {
  const auto end = line.find("]: ");
  if (end == std::string_view::npos) return {{}, line};
  const std::string_view head = line.substr(0, line.rfind('[', end));
  return {head.substr(head.rfind(' ') + 1), line.substr(end + 3)};
}

// Every message has these.
bool is_usual(std::string_view text) {
  if (text.ends_with(": removed")) return true;
  return text.find(": from=<") != std::string_view::npos && text.find("queue active") != std::string_view::npos;
}

}  // namespace

Log::Log(Hub& hub, Notes& notes, std::string root, std::string tag, bool show_allocate, std::uint64_t lines_max)
    : hub_(hub),
      notes_(notes),
      root_(std::move(root)),
      tag_(std::move(tag)),
      show_allocate_(show_allocate),
      lines_max_(lines_max) {}

Log::~Log() {
  if (socket_.open()) hub_.forget(socket_.get());
}

std::optional<Failure> Log::listen(const std::filesystem::path& path) {
  auto made = bind_local(path, SOCK_DGRAM);
  if (!made) return made.error();
  socket_ = std::move(*made);
  hub_.watch(socket_.get(), [this] { serve(); });
  return std::nullopt;
}

void Log::serve() {
  std::array<char, 65536> room;
  for (int i = 0; i < kLinesPerRun && !notes_.misbehaviour; ++i) {
    const ssize_t got = recv(socket_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0) return;
    if (i == kManyLines) hub_.acted();
    take(std::string(room.data(), static_cast<std::size_t>(got)));
  }
}

void Log::take(std::string line) {
  line.resize(without_end(line).size());
  bytes_ += line.size();
  if (lines_.size() >= lines_max_ || bytes_ > lines_max_ * kLineMean) {
    return notes_.misbehaves("logs more than " + std::to_string(lines_.size()) + " lines");
  }
  const Line parts = parts_of(line);
  const std::string text = readable(parts.text, root_);
  const std::string shown = parts.tag == tag_ ? text : under_tag(parts.tag, text);
  lines_.push_back(std::move(line));
  if (starts_with_any(text, {"fatal: ", "panic: "})) {
    last_words_ = true;
    hub_.acted();
  }
  if (show_allocate_ && text.starts_with(kAllocate)) return notes_.see(Allocated{text.substr(kAllocate.size())});
  if (worth_showing(text)) notes_.see(LogText{shown});
}

bool Log::worth_showing(std::string_view text) const {
  return show_allocate_ ? starts_with_any(text, {"warning:", "fatal:", "panic:"}) : !is_usual(text);
}

}  // namespace weir::blackbox::stand_in
