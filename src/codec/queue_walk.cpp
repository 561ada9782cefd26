#include "codec/queue_walk.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "codec/queue_file.hpp"
#include "codec/queue_text.hpp"
#include "codec/visited.hpp"

namespace weir::codec {

namespace {

bool all_types(int) { return true; }

// Where the content is, by the first size record that tells.
struct ContentPlace {
  std::int64_t offset = 0, size = 0;

  void learn(std::string_view text) {
    if (offset > 0) return;
    const auto fields = parse_size_fields(text);
    if (fields.count < 3 || fields.content_offset <= 0 || fields.segment_size <= 0) return;
    offset = fields.content_offset;
    size = fields.segment_size;
  }
};

}  // namespace

std::string walk_queue_file(ByteSource& source, WalkContent content,
                            const std::function<void(const Record&, bool in_content)>& visit) {
  ByteWindow window{source};
  ContentPlace place;
  std::set<std::int64_t> jumps;
  Visited visited;
  std::int64_t piece = 0, reread = 0;
  bool in_content = false;
  while (true) {
    const bool at_content = window.position() == place.offset && place.offset > 0;
    if (at_content && content == WalkContent::skip) {
      reread += visited.add(piece, window.position());
      if (!window.skip(place.size)) return "content size beyond what can be addressed";
      piece = window.position();
      in_content = false;
    }
    Record record;
    const auto status = read_record(window, all_types, record);
    if (window.failed()) return "read error";
    if (status == RecordStatus::end) return "missing end record";
    if (status != RecordStatus::ok) return describe(status, record);
    if (record.type == record::kExtracted) in_content = false;
    visit(record, in_content);
    if (record.type == record::kEnd) return {};
    if (record.type == record::kMessage) in_content = true;
    if (record.type == record::kSize) place.learn(record.text());
    if (record.type == record::kPointer) {
      std::int64_t target = 0;
      if (!parse_offset(record.text(), target)) return "malformed pointer record value: " + std::string{record.text()};
      if (target == 0) continue;
      reread += visited.add(piece, window.position()) + kJumpCost;
      if (!jumps.insert(target).second || reread > kRereadMax) return "pointer loop";
      piece = target;
      if (!window.seek(target)) return "seek error after pointer record: Invalid argument";
    }
  }
}

std::string utc_text(std::int64_t seconds) {
  constexpr std::int64_t kSecondsPerDay = 86400;
  constexpr std::int64_t kDaysPerEra = 146097;  // 400 years
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::array kWeekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  seconds = std::clamp<std::int64_t>(seconds, -kTimeMax.count(), kTimeMax.count());
  const auto day = std::chrono::floor<std::chrono::days>(Seconds{seconds});
  const auto of_day = seconds - day.count() * kSecondsPerDay;
  // The calendar repeats every era: keep within the years that std::chrono knows.
  const auto era = day.count() / kDaysPerEra;
  const auto within = std::chrono::sys_days{day - std::chrono::days{era * kDaysPerEra}};
  const std::chrono::year_month_day date{within};
  const auto weekday = std::chrono::weekday{within}.c_encoding();
  const auto year = static_cast<int>(date.year()) + era * 400;
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%s %s %2u %02d:%02d:%02d %lld", kWeekdays.at(weekday),
                kMonths.at(static_cast<unsigned>(date.month()) - 1), static_cast<unsigned>(date.day()),
                static_cast<int>(of_day / 3600), static_cast<int>(of_day / 60 % 60), static_cast<int>(of_day % 60),
                static_cast<long long>(year));
  return text.data();
}

}  // namespace weir::codec
