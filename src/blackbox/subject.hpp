// A program under test as a child process: started as master(8) starts a service, held within bounds, and gone when
// the thread that started it is, whatever ends that.
//
// It may not fork or start threads: the kernel kills it then (ended() is -SIGSYS).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "blackbox/descriptor.hpp"
#include "contract/result.hpp"

namespace weir::blackbox {

inline constexpr int kSubjectNotStarted = 98;  // exit status of a child that could not become the program

// A descriptor that the child has, as number 3 or more.
struct Inherited {
  int ours = -1, theirs = -1;
};

struct Launch {
  std::filesystem::path program;
  std::vector<std::string> arguments;    // the name first
  std::vector<std::string> environment;  // NAME=VALUE
  std::filesystem::path directory;       // working directory
  std::vector<Inherited> descriptors;    // in the order of their numbers there; no others are inherited
  std::uint64_t file_size_max = 0;
};

class Subject {
 public:
  static Result<Subject> start(const Launch& launch);
  Subject(Subject&&) noexcept;
  Subject& operator=(Subject&&) = delete;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  ~Subject();  // ends it, at first with SIGTERM

  [[nodiscard]] int pid() const { return pid_; }
  [[nodiscard]] int pid_fd() const { return pid_fd_.get(); }  // readable when it has ended
  // Exit status, or minus the signal; nothing: it runs.
  [[nodiscard]] std::optional<int> ended();
  void kill();                                         // at once
  [[nodiscard]] std::uint64_t resident_bytes() const;  // memory

 private:
  Subject(int pid, int pid_fd) : pid_(pid), pid_fd_(pid_fd) {}
  [[nodiscard]] bool ends_within(std::chrono::milliseconds limit);

  int pid_ = -1;
  Descriptor pid_fd_;
  std::optional<int> ended_;
};

}  // namespace weir::blackbox
