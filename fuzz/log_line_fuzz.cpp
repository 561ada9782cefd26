// log_line: every kind of log record, its texts and numbers from x.
//
//   |render(record)|                     <=  kLinesMax, and at least one
//   c = clean_log_text(line, utf8)       :   |c| <= kLogTextMax, no control character, no DEL; without utf8 ASCII only;
//                                            a line that is printable ASCII comes out as it is, but for its length
//   clean(clean(line))                   =   clean(line), where nothing was cut off
//   postlog_datagram(... c)              :   one line
//   format_delay(d, n)                   :   digits with at most one point, n of them behind it
#include <algorithm>
#include <string>

#include "codec/delay.hpp"
#include "codec/log_line.hpp"
#include "codec/queue_file.hpp"
#include "codec/trigger.hpp"
#include "contract/check.hpp"
#include "fuzz/bytes.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

constexpr std::size_t kLinesMax = 10;

// Fills the fields of a record, whatever they are.
class Fill {
 public:
  explicit Fill(Bytes& bytes) : bytes_(bytes) {}

  template <class T>
  void operator()(const char*, const T& field) {
    set(const_cast<T&>(field));
  }

 private:
  void set(std::string& text) { text = bytes_.text(); }
  void set(bool& value) { value = bytes_.flag(); }
  void set(int& value) { value = static_cast<int>(bytes_.word()); }
  void set(unsigned& value) { value = bytes_.word(); }
  void set(std::int64_t& value) { value = bytes_.long_word(); }
  void set(double& value) {
    const auto sixteenths = static_cast<std::int32_t>(bytes_.word());
    const std::uint8_t exponent = bytes_.byte();
    value = static_cast<double>(sixteenths) / 16 * (exponent > 200 ? 1e300 : 1);
  }
  // Within what queue files and clocks can say.
  void set(Time& time) {
    const auto limit = at_second(codec::kTimeMax).since_epoch.count();
    time = Time{Micros{bytes_.long_word() % limit / 2}};
  }
  void set(Dsn& dsn) { dsn.fields(*this); }
  void set(Recipient& recipient) { recipient.fields(*this); }
  void set(Service& service) { service = static_cast<Service>(bytes_.below(5)); }
  void set(ReportWord& word) { word = static_cast<ReportWord>(bytes_.below(4)); }
  void set(LogClogged::Advice& advice) { advice = static_cast<LogClogged::Advice>(bytes_.below(4)); }

  Bytes& bytes_;
};

template <std::size_t kIndex = 0>
LogRecord record_of(Bytes& bytes, std::size_t kind) {
  if constexpr (kIndex + 1 < std::variant_size_v<LogRecord>) {
    if (kind != kIndex) return record_of<kIndex + 1>(bytes, kind);
  }
  std::variant_alternative_t<kIndex, LogRecord> record;
  record.fields(Fill{bytes});
  return record;
}

bool is_printable_ascii(char c) { return c >= ' ' && c < '\x7f'; }
bool is_control(char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }

void check_clean(const std::string& text) {
  for (const bool utf8 : {false, true}) {
    const std::string clean = codec::clean_log_text(text, utf8);
    WEIR_CHECK(clean.size() == std::min(text.size(), codec::kLogTextMax));
    WEIR_CHECK(std::none_of(clean.begin(), clean.end(), is_control));
    WEIR_CHECK(utf8 || std::all_of(clean.begin(), clean.end(), is_printable_ascii));
    if (std::all_of(text.begin(), text.end(), is_printable_ascii)) WEIR_CHECK(text.starts_with(clean));
    if (text.size() <= codec::kLogTextMax) WEIR_CHECK(codec::clean_log_text(clean, utf8) == clean);
  }
}

void check_line(const codec::LogLine& line, Bytes& bytes) {
  check_clean(line.text);
  std::tm local{};
  local.tm_mon = static_cast<int>(bytes.below(12));
  const std::string clean = codec::clean_log_text(line.text, false);
  const std::string datagram = codec::postlog_datagram(local, "host.example", "postfix/qmgr", 1, line.severity, clean);
  WEIR_CHECK(std::none_of(datagram.begin(), datagram.end(), is_control) && datagram.ends_with(clean));
  WEIR_CHECK(datagram.size() <= codec::kLogTextMax + 100);
}

void check_delay(std::int64_t micros, int decimals) {
  const std::string text = codec::format_delay(Micros{micros}, decimals);
  WEIR_CHECK(!text.empty() && text.size() <= 24 && text.find_first_not_of("0123456789.") == std::string::npos);
  const auto point = text.find('.');
  const std::size_t behind = point == std::string::npos ? 0 : text.size() - point - 1;
  WEIR_CHECK(behind <= static_cast<std::size_t>(std::clamp(decimals, 0, 6)));
  WEIR_CHECK(point == std::string::npos || (point > 0 && behind > 0));
}

}  // namespace

void run(std::string_view input) {
  Bytes bytes(input);
  codec::LogSettings settings;
  const std::uint8_t how = bytes.byte();
  settings.address_format = (how & 1) != 0 ? codec::AddressFormat::internal : codec::AddressFormat::external;
  settings.delay_decimals = how / 2 % 8;
  settings.old_texts = (how & 16) != 0;
  const std::size_t kind = bytes.below(std::variant_size_v<LogRecord>);
  const LogRecord record = record_of(bytes, kind);
  const auto lines = codec::render(record, settings);
  WEIR_CHECK(!lines.empty() && lines.size() <= kLinesMax);
  for (const auto& line : lines) check_line(line, bytes);

  const std::int64_t micros = bytes.long_word();
  const int decimals = static_cast<std::int8_t>(bytes.byte());
  check_delay(micros, decimals);
  check_clean(std::string{bytes.rest()});
  check_clean(std::string{input});
  check_line(codec::line::queue_active(input, input, micros, micros, settings), bytes);
  check_line(codec::line::saving_corrupt(input), bytes);
  check_line(codec::line::null_recipient(input), bytes);
}

}  // namespace weir::fuzz
