#include "app/weir/cat.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <utility>

#include "codec/queue_file.hpp"
#include "codec/queue_text.hpp"
#include "codec/queue_walk.hpp"

namespace weir::app {

namespace {

using codec::Record;
using nlohmann::ordered_json;
namespace record = codec::record;

// --- names and texts of records -----------------------------------------------------------------------

// An attribute that postcat shows as a time of its own.
bool is_create_time(const Record& found) {
  if (found.type != record::kAttribute) return false;
  const auto attribute = codec::parse_named_attribute(found.text());
  return attribute.error.empty() && attribute.name == "create_time";
}

std::string name_of(const Record& found) {
  if (is_create_time(found)) return "create_time";
  return std::string{codec::record_name(found.type)};
}

std::string text_of(const Record& found, const TimeText& time_text) {
  if (found.type == record::kArrivalTime || found.type == record::kWarnTime) {
    return time_text(codec::lenient_number(found.text()));
  }
  if (found.type != record::kAttribute) return std::string{found.text()};
  const auto attribute = codec::parse_named_attribute(found.text());
  if (!attribute.error.empty()) return std::string{found.text()};
  if (attribute.name == "create_time") return time_text(codec::lenient_number(attribute.value));
  return std::string{attribute.name} + "=" + std::string{attribute.value};
}

// The three records that divide a file have a heading instead of a text.
const char* heading(int type) {
  switch (type) {
    case record::kMessage: return "MESSAGE CONTENTS";
    case record::kExtracted: return "HEADER EXTRACTED";
    case record::kEnd: return "MESSAGE FILE END";
    default: return nullptr;
  }
}

// --- the queue manager's opinion ----------------------------------------------------------------------

struct Verdict {
  std::string word = "ok", reason;
};

Verdict verdict_on(codec::ByteSource& source) {
  constexpr std::int64_t kBatch = 5000;  // as the queue manager reads at most at once
  codec::QueueFileReader reader;
  do {
    const auto outcome = reader.read(source, {"file", "file"}, kBatch, {}, {});
    switch (outcome.damage) {
      case codec::Damage::none: break;
      case codec::Damage::incomplete: return {"incomplete", outcome.reason};
      case codec::Damage::corrupt:
      case codec::Damage::unreadable: return {"corrupt", outcome.reason};
    }
  } while (reader.more());
  return {};
}

// --- JSON ---------------------------------------------------------------------------------------------

// What the records say, in the order in which they come.
class Summary {
 public:
  void add(const Record& found) {
    const std::string text{found.text()};
    add_to_records(found);
    switch (found.type) {
      case record::kSize: add_size(text); break;
      case record::kArrivalTime: set_first("arrival_time", codec::lenient_number(text)); break;
      case record::kCreateTime: set_first("create_time", codec::lenient_number(text)); break;
      case record::kSender:
        if (fields_["sender"].is_null()) fields_["sender_offset"] = found.offset;
        set_first("sender", text);
        break;
      case record::kFullName: fields_["full_name"] = text; break;
      case record::kVerp: set_first("verp", text); break;
      case record::kWarnTime:
        set_first("warn_time", codec::lenient_number(text));
        set_first("warn_offset", found.offset);
        break;
      case record::kFilter: fields_["filter"].push_back({found.offset, text}); break;
      case record::kRedirect: fields_["redirect"].push_back({found.offset, text}); break;
      case record::kKilled: fields_["killed"].push_back({found.offset, text}); break;
      case record::kDsnEnvelopeId: fields_["dsn_envid"] = text; break;
      case record::kDsnReturn: fields_["dsn_ret"] = codec::lenient_number(text); break;
      case record::kOriginal: original_ = text; break;
      case record::kDsnOriginal: dsn_orcpt_ = text; break;
      case record::kDsnNotify: dsn_notify_ = codec::lenient_number(text); break;
      case record::kRecipient:
      case record::kDone:
      case record::kCanceled: add_recipient(found, text); break;
      case record::kAttribute: add_attribute(found, text); break;
      case record::kMessage: set_first("message_start_offset", found.offset); break;
      case record::kExtracted: set_first("extracted_offset", found.offset); break;
      case record::kEnd: set_first("end_offset", found.offset); break;
      case record::kPointer: add_pointer(found, text); break;
      default: break;
    }
  }

  ordered_json finish(const Verdict& verdict) {
    if (!original_.is_null() || !dsn_orcpt_.is_null() || dsn_notify_ != 0) {
      fields_["dangling"] = {{"original", original_}, {"dsn_orcpt", dsn_orcpt_}, {"dsn_notify", dsn_notify_}};
    }
    fields_["records"] = std::move(records_);
    fields_["verdict"] = verdict.word;
    fields_["reason"] = verdict.reason.empty() ? ordered_json{} : ordered_json(verdict.reason);
    return std::move(fields_);
  }

 private:
  static ordered_json nothing_yet() {
    ordered_json fields;
    for (const char* key : {"size",
                            "arrival_time",
                            "create_time",
                            "sender",
                            "sender_offset",
                            "full_name",
                            "warn_time",
                            "warn_offset",
                            "dsn_envid",
                            "dsn_ret",
                            "encoding",
                            "filter",
                            "redirect",
                            "verp",
                            "trace_flags",
                            "trace_flags_offset",
                            "killed",
                            "attributes",
                            "recipients",
                            "message_start_offset",
                            "extracted_offset",
                            "end_offset",
                            "pointers"}) {
      fields[key] = nullptr;
    }
    for (const char* key : {"filter", "redirect", "killed", "attributes", "recipients", "pointers"}) {
      fields[key] = ordered_json::array();
    }
    return fields;
  }

  template <class Value>
  void set_first(const char* key, const Value& value) {
    if (fields_[key].is_null()) fields_[key] = value;
  }

  void add_to_records(const Record& found) {
    ordered_json row = {found.offset, std::string(1, static_cast<char>(found.type))};
    if (const char* title = heading(found.type)) {
      row.push_back(title);
    } else {
      row.push_back(name_of(found));
      row.push_back(text_of(found, codec::utc_text));
    }
    records_.push_back(std::move(row));
  }

  void add_size(const std::string& text) {
    if (!fields_["size"].is_null()) return;
    const auto size = codec::parse_size_fields(text);
    const std::pair<const char*, std::int64_t> values[] = {
        {"segment_size", size.segment_size},       {"content_offset", size.content_offset},
        {"recipient_count", size.recipient_count}, {"qmgr_flags", size.qmgr_flags},
        {"content_length", size.content_length},   {"smtputf8_flags", size.smtputf8_flags}};
    ordered_json object;
    int left = size.count;
    for (const auto& value : values) object[value.first] = left-- > 0 ? ordered_json(value.second) : ordered_json{};
    fields_["size"] = std::move(object);
  }

  void add_recipient(const Record& found, const std::string& address) {
    fields_["recipients"].push_back({{"offset", found.offset},
                                     {"mark", std::string(1, static_cast<char>(found.type))},
                                     {"address", address},
                                     {"original", std::exchange(original_, nullptr)},
                                     {"dsn_orcpt", std::exchange(dsn_orcpt_, nullptr)},
                                     {"dsn_notify", std::exchange(dsn_notify_, 0)}});
  }

  void add_attribute(const Record& found, const std::string& text) {
    const auto attribute = codec::parse_named_attribute(text);
    if (!attribute.error.empty()) return;
    const std::string value{attribute.value};
    if (attribute.name == "create_time") return set_first("create_time", codec::lenient_number(value));
    if (attribute.name == "dsn_orig_rcpt") {
      dsn_orcpt_ = value;
      return;
    }
    if (attribute.name == "notify_flags") {
      dsn_notify_ = codec::lenient_number(value);
      return;
    }
    fields_["attributes"].push_back({found.offset, attribute.name, value});
    if (attribute.name == "envelope_id") fields_["dsn_envid"] = value;
    if (attribute.name == "ret_flags") fields_["dsn_ret"] = codec::lenient_number(value);
    if (attribute.name == "encoding") fields_["encoding"] = value;
    if (attribute.name == "trace_flags") {
      fields_["trace_flags"] = codec::lenient_number(value);
      fields_["trace_flags_offset"] = found.offset;
    }
  }

  void add_pointer(const Record& found, const std::string& text) {
    std::int64_t target = 0;
    const bool good = codec::parse_offset(text, target);
    fields_["pointers"].push_back({found.offset, good ? ordered_json(target) : ordered_json{}});
  }

  ordered_json fields_ = nothing_yet();
  ordered_json records_ = ordered_json::array();
  ordered_json original_, dsn_orcpt_;  // of the next recipient
  std::int64_t dsn_notify_ = 0;
};

// --- files --------------------------------------------------------------------------------------------

class FileBytes : public codec::ByteSource {
 public:
  explicit FileBytes(int fd) : fd_(fd) {}

  [[nodiscard]] std::optional<std::size_t> read_at(std::int64_t offset, std::span<char> into) override {
    std::size_t size = 0;
    while (size < into.size()) {
      const auto got = ::pread(fd_, into.data() + size, into.size() - size, offset + static_cast<std::int64_t>(size));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        error = errno;
        return std::nullopt;
      }
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    return size;
  }

  int error = 0;  // of the last read that failed

 private:
  int fd_;
};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ > STDIN_FILENO) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// What cannot be read at an offset (a pipe) is taken whole; more than this is refused.
constexpr std::size_t kStreamMax = std::size_t{1} << 30;

int read_stream(int fd, std::string& bytes) {
  char buffer[65536];
  while (true) {
    const auto got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;
    if (bytes.size() > kStreamMax) return EFBIG;
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
}

std::string local_text(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  char text[80];
  if (::localtime_r(&time, &parts) == nullptr) return codec::utc_text(seconds);
  return std::string(text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &parts));
}

// 0, or the errno that kept the file from being read.
int cat_file(const std::string& file, const CatOptions& options, std::ostream& out, std::ostream& errors) {
  const bool standard_input = file == "-";
  const Descriptor fd{standard_input ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  if (fd.get() < 0) return errno;
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;

  std::string bytes;
  const bool whole = !S_ISREG(status.st_mode) || standard_input;
  if (whole) {
    if (const int error = read_stream(fd.get(), bytes)) return error;
  }
  codec::MemoryBytes memory{bytes};
  FileBytes direct{fd.get()};
  codec::ByteSource& source = whole ? static_cast<codec::ByteSource&>(memory) : direct;
  if (options.json) {
    const std::string object = json_text(source, options.files.size() > 1 ? file : "");
    if (direct.error == 0) out << object << '\n';
  } else {
    print_text(source, standard_input ? "-" : file, local_text, out, errors);
  }
  return direct.error;
}

}  // namespace

void print_text(codec::ByteSource& source, const std::string& name, const TimeText& time_text, std::ostream& out,
                std::ostream& errors) {
  bool open_line = false;
  bool first = true;
  const auto visit = [&](const Record& found, bool in_content) {
    if (std::exchange(first, false)) out << "*** ENVELOPE RECORDS " << name << " ***\n";
    if (found.type == record::kPointer || found.type == record::kPadding) return;
    const bool piece = found.type == record::kText || (in_content && found.type == record::kFilter);
    if (piece) {
      out << found.payload;
      open_line = found.type == record::kFilter;
      if (!open_line) out << '\n';
      return;
    }
    if (std::exchange(open_line, false)) out << '\n';
    if (const char* title = heading(found.type)) {
      out << "*** " << title << ' ' << name << " ***\n";
    } else {
      out << name_of(found) << ": " << text_of(found, time_text) << '\n';
    }
  };
  const auto problem = codec::walk_queue_file(source, codec::WalkContent::visit, visit);
  if (open_line) out << '\n';
  out.flush();
  const auto verdict = verdict_on(source);
  if (verdict.word != "ok") {
    errors << "weir cat: " << name << ": " << verdict.word << ": " << verdict.reason << '\n';
  } else if (!problem.empty()) {
    errors << "weir cat: " << name << ": " << problem << '\n';
  }
}

std::string json_text(codec::ByteSource& source, const std::string& name) {
  Summary summary;
  const auto visit = [&summary](const Record& found, bool) { summary.add(found); };
  (void)codec::walk_queue_file(source, codec::WalkContent::skip, visit);
  ordered_json object;
  if (!name.empty()) object["file"] = name;
  object.update(summary.finish(verdict_on(source)));
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

int cat(const CatOptions& options, std::ostream& out, std::ostream& errors) {
  int status = 0;
  for (const std::string& file : options.files) {
    if (const int error = cat_file(file, options, out, errors)) {
      errors << "weir cat: " << file << ": " << std::strerror(error) << '\n';
      status = 1;
    }
  }
  return status;
}

}  // namespace weir::app
