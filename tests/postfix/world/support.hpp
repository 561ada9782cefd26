// What the tests of the daemon's world share: a scratch queue directory, a log that remembers, peers that listen.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/parameters.hpp"
#include "postfix/log_sink.hpp"
#include "postfix/loop.hpp"
#include "postfix/voice.hpp"
#include "support/vectors.hpp"

namespace weir::testing {

namespace fs = std::filesystem;

// A log in memory: "info: ...", "warning: ...", in order. Fatal lines go to standard error as well, where death
// tests look for them.
class MemoryLog final : public postfix::LogSink {
 public:
  void write(postfix::Severity severity, std::string_view text) override {
    std::string line;
    switch (severity) {
      case postfix::Severity::info: break;
      case postfix::Severity::warning: line = "warning: "; break;
      case postfix::Severity::error: line = "error: "; break;
      case postfix::Severity::fatal: line = "fatal: "; break;
      case postfix::Severity::panic: line = "panic: "; break;
    }
    line += text;
    if (severity == postfix::Severity::fatal) std::fprintf(stderr, "%s\n", line.c_str());
    lines.push_back(std::move(line));
  }
  std::vector<std::string> take() { return std::exchange(lines, {}); }

  std::vector<std::string> lines;
};

// A queue directory that is the working directory while it lives.
class ScratchQueue {
 public:
  ScratchQueue() : before_(fs::current_path()) {
    std::string name = (fs::temp_directory_path() / "weirXXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no scratch directory");
    path_ = name;
    fs::current_path(path_);
    for (const char* directory :
         {"incoming", "active", "deferred", "corrupt", "bounce", "defer", "trace", "saved", "private", "public"}) {
      fs::create_directory(directory);
      chmod(directory, 0700);
    }
  }
  ~ScratchQueue() {
    fs::current_path(before_);
    fs::remove_all(path_);
  }
  ScratchQueue(const ScratchQueue&) = delete;
  ScratchQueue& operator=(const ScratchQueue&) = delete;

 private:
  fs::path before_, path_;
};

inline void write_file(const fs::path& path, std::string_view bytes, mode_t mode = 0700) {
  std::ofstream(path, std::ios::binary) << bytes;
  chmod(path.c_str(), mode);
}

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline mode_t mode_of(const fs::path& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

inline std::int64_t mtime_of(const fs::path& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mtim.tv_sec : -1;
}

inline codec::ProcessSettings test_settings() {
  codec::ProcessSettings settings;
  settings.info_log_address_format = "external";
  settings.rewrite_service_name = "rewrite";
  settings.bounce_service_name = "bounce";
  settings.defer_service_name = "defer";
  settings.trace_service_name = "trace";
  settings.verify_service_name = "verify";
  settings.flush_service_name = "flush";
  settings.hash_queue_names = {"deferred", "defer"};
  settings.verp_delimiter_filter = "-=+";
  settings.qmgr_ipc_timeout = Seconds{1};
  settings.daemon_timeout = Seconds{2};
  return settings;
}

// "name", "value", ... as one attribute list.
inline std::string attrs(std::initializer_list<std::string_view> parts) {
  std::string bytes;
  for (const auto part : parts) {
    bytes += part;
    bytes += '\0';
  }
  return bytes + '\0';
}

// The other side: a listening socket, and blocking talk on what it accepts.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Peer& operator=(Peer&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Peer() { hang_up(); }

  void say(std::string_view bytes) const {
    ASSERT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // What is there now.
  [[nodiscard]] std::string hear() const {
    std::string all;
    char buffer[65536];
    for (;;) {
      const ssize_t got = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got <= 0) return all;
      all.append(buffer, static_cast<std::size_t>(got));
    }
  }
  // The other side has closed, and everything has been heard.
  [[nodiscard]] bool at_end() const {
    char byte = 0;
    return recv(fd_, &byte, 1, MSG_DONTWAIT) == 0;
  }
  void hang_up() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  [[nodiscard]] bool connected() const { return fd_ >= 0; }
  [[nodiscard]] int descriptor() const { return fd_; }

 private:
  int fd_;
};

class Listener {
 public:
  explicit Listener(std::string path, int backlog = 50) : path_(std::move(path)) {
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(fd_, backlog) != 0) {
      throw std::runtime_error("cannot listen on " + path_);
    }
  }
  ~Listener() {
    close(fd_);
    unlink(path_.c_str());
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Not connected if nobody waits.
  [[nodiscard]] Peer accept() const { return Peer(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)); }
  [[nodiscard]] int descriptor() const { return fd_; }

 private:
  std::string path_;
  int fd_;
};

// Runs the loop until `done`, for a few seconds at most.
inline bool run_until(postfix::Loop& loop, const std::function<bool()>& done,
                      std::chrono::milliseconds limit = std::chrono::milliseconds{8000}) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    loop.run_round(true);
    usleep(500);
  }
  return true;
}

// Runs the loop until nothing is left to do at once.
inline void run_dry(postfix::Loop& loop) {
  for (int i = 0; i < 20; ++i) loop.run_round(true);
}

}  // namespace weir::testing
