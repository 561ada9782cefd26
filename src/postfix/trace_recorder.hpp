// TraceRecorder: a brain that writes down what another one is given and decides. Format: spec/trace.md.
//
// Promises: every decision is the other brain's, whatever becomes of the record; trouble with the file, or its limit,
// is one warning and the end of recording. A run is added to the file; lines reach it after each round (Turn), whole.
// While another process records there (the one before a reload), lines wait in memory, up to kWaitingMax.
// Tested in tests/postfix/world/trace_recorder_test.cpp and tests/postfix/test_trace.py.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/brain.hpp"
#include "contract/trace.hpp"
#include "postfix/log_sink.hpp"
#include "trace/pseudonyms.hpp"

namespace weir::postfix {

class TraceRecorder final : public Brain {
 public:
  struct Settings {
    std::string path;
    std::int64_t limit = 0;  // bytes of the file, runs before this one included
    bool hashed = true;      // addresses are replaced by pseudonyms
  };
  static constexpr std::size_t kWaitingMax = std::size_t{32} << 20;

  // `log` must outlive the recorder. The header's version and addresses are set here.
  TraceRecorder(std::unique_ptr<Brain> inner, LogSink& log, Settings settings, TraceHeader header);
  ~TraceRecorder() override;
  TraceRecorder(const TraceRecorder&) = delete;
  TraceRecorder& operator=(const TraceRecorder&) = delete;

  void handle(Time now, const Event& event, std::vector<Command>& out) override;
  [[nodiscard]] std::optional<Seconds> next_deadline() const override { return inner_->next_deadline(); }
  [[nodiscard]] bool wants_tick() const override { return inner_->wants_tick(); }
  [[nodiscard]] bool wants_turn() const override { return inner_->wants_turn(); }

  // The process ends: what is still to be written is written.
  void finish();

 private:
  void begin(TraceHeader header);
  void record(Time now, const Event& event, const Command* first, std::size_t count);
  void add(const std::string& line);
  void flush();
  [[nodiscard]] bool may_write();
  void stop(std::string_view why, std::string_view end = {});
  void hang_up();

  std::unique_ptr<Brain> inner_;
  LogSink& log_;
  Settings settings_;
  std::optional<trace::Pseudonyms> pseudonyms_;
  int fd_ = -1;  // -1: nothing is recorded (any more)
  bool locked_ = false;
  std::int64_t size_ = 0;  // of the file
  std::string waiting_;    // whole lines
};

}  // namespace weir::postfix
