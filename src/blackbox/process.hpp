// Process: a queue manager binary in a scratch queue directory, with stand-ins for master, resolver, delivery agents,
// bounce, defer, trace, verify, flush and the log in this process, and a clock that only inputs move.
//
// A preloaded library (preload.c) gives the binary that clock, tells when it is idle, and sorts what it reads from
// directories; an agent greets, answers or dies only when an input says so: no race decides an outcome.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "blackbox/party.hpp"

namespace weir::blackbox {

struct SubjectOptions {
  std::filesystem::path program;       // the binary under test
  std::vector<std::string> arguments;  // beside those that master gives
  std::filesystem::path preload;       // libweir-clock.so
  std::filesystem::path scratch;       // a folder for everything, made and removed; a short path: sockets live in it
  std::string mail_owner = "postfix";  // as root it drops to this account by itself
  // What a subject may cost before it is given up; real time and bytes.
  std::chrono::seconds patience{10};      // for one input
  std::uint64_t log_lines_max = 100'000;  // of one run; ten times as many with -v
  std::uint64_t disk_max = 256ULL << 20;  // what it may write
};

// What can be judged here at all: program and library are there, the account exists; as another user than root, that
// the subject runs without dropping. A text if not.
[[nodiscard]] std::string why_not(const SubjectOptions& options);

class Process final : public Party {
 public:
  explicit Process(SubjectOptions options);
  ~Process() override;  // ends it

  [[nodiscard]] std::vector<Observation> apply(const Input& input) override;

  // Everything it has logged, as it was.
  [[nodiscard]] const std::vector<std::string>& whole_log() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::blackbox
