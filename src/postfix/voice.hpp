// Voice: how the world speaks to the log. Lines come from codec/log_line; a fatal one ends the process here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/log_line.hpp"
#include "codec/parameters.hpp"
#include "codec/version.hpp"
#include "postfix/log_sink.hpp"

namespace weir::postfix {

// The system's text for an error number.
[[nodiscard]] std::string reason_of(int error);

class Voice {
 public:
  Voice(LogSink& log, const codec::ProcessSettings& settings, const codec::Dialect& dialect = {});

  void say(const codec::LogLine& line);
  void say(const std::vector<codec::LogLine>& lines);
  [[noreturn]] void die(const codec::LogLine& line);
  void warn(std::string_view text) { log_.warning(text); }
  void warn_all(const std::vector<std::string>& texts);

  // Lines with an address in them: a bad info_log_address_format shows at the first one, and is fatal.
  void say_record(const LogRecord& record);
  void say_queue_active(std::string_view queue_id, std::string_view sender, std::int64_t size, std::int64_t recipients);

  [[nodiscard]] LogSink& sink() { return log_; }

 private:
  void check_address_format();

  LogSink& log_;
  codec::LogSettings settings_;
  std::string address_format_;
  bool known_address_format_ = true;
};

}  // namespace weir::postfix
