#include "postfix/voice.hpp"

#include <cstring>
#include <variant>

namespace weir::postfix {

std::string reason_of(int error) { return std::strerror(error); }

Voice::Voice(LogSink& log, const codec::ProcessSettings& settings, const codec::Dialect& dialect)
    : log_(log), address_format_(settings.info_log_address_format) {
  known_address_format_ = address_format_ == "external" || address_format_ == "internal" || address_format_.empty();
  settings_.address_format =
      address_format_ == "internal" ? codec::AddressFormat::internal : codec::AddressFormat::external;
  settings_.delay_decimals = settings.delay_logging_resolution_limit;
  settings_.bounce_service = settings.bounce_service_name;
  settings_.defer_service = settings.defer_service_name;
  settings_.trace_service = settings.trace_service_name;
  settings_.verify_service = settings.verify_service_name;
  settings_.flush_service = settings.flush_service_name;
  settings_.verp_failure_word = dialect.verp_failure_word;
  settings_.old_texts = settings.weir_old_texts;
}

void Voice::say(const codec::LogLine& line) {
  switch (line.severity) {
    case codec::Severity::debug:
      if (log_.verbosity() > 0) log_.info(line.text);
      return;
    case codec::Severity::info: log_.info(line.text); return;
    case codec::Severity::warning: log_.warning(line.text); return;
    case codec::Severity::error: log_.error(line.text); return;
    case codec::Severity::fatal:
    case codec::Severity::panic: log_.fatal(line.text);
  }
}

void Voice::say(const std::vector<codec::LogLine>& lines) {
  for (const codec::LogLine& line : lines) say(line);
}

void Voice::die(const codec::LogLine& line) { log_.fatal(line.text); }

void Voice::warn_all(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) warn(text);
}

void Voice::say_record(const LogRecord& record) {
  if (std::holds_alternative<LogExpired>(record) || std::holds_alternative<LogDelivery>(record)) {
    check_address_format();
  }
  say(codec::render(record, settings_));
}

void Voice::say_queue_active(std::string_view queue_id, std::string_view sender, std::int64_t size,
                             std::int64_t recipients) {
  check_address_format();
  say(codec::line::queue_active(queue_id, sender, size, recipients, settings_));
}

void Voice::check_address_format() {
  if (!known_address_format_) die(codec::line::bad_address_format(address_format_));
}

}  // namespace weir::postfix
