#include "contract/show.hpp"

#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>

namespace weir {
namespace {

// Type names, in the order of the variants.
constexpr std::string_view kEventNames[] = {
    "Started",          "Turn",           "Tick",           "Triggered", "ScanEntry",  "ScanEnded",   "Admitted",
    "AdmitFailed",      "RecipientsRead", "ReadFailed",     "Resolved",  "AgentReady", "AgentFailed", "Delivered",
    "BounceLogChecked", "FileChecked",    "ServiceAnswered"};
constexpr std::string_view kCommandNames[] = {
    "RecoverActive",  "OpenScan",       "ScanNext",        "Admit",        "ReadRecipients", "DropUnread",
    "RemoveDeferLog", "CheckBounceLog", "RemoveBounceLog", "CheckFile",    "MarkDone",       "KillTrace",
    "UpdateWarn",     "Retry",          "CoolDown",        "Remove",       "MarkCorrupt",    "Forget",
    "Resolve",        "RequestAgent",   "Deliver",         "ReleaseAgent", "AskService",     "Log",
    "BalanceFlow"};
constexpr std::string_view kLogNames[] = {"StillBeingDelivered",
                                          "Expired",
                                          "ReportFailed",
                                          "Delivery",
                                          "ServiceFailure",
                                          "IgnoredDsn",
                                          "IgnoredFeedback",
                                          "FeedbackSetting",
                                          "FeedbackStep",
                                          "FeedbackState",
                                          "Clogged",
                                          "TimeJump",
                                          "Allocate"};
constexpr std::string_view kServiceRequestNames[] = {"Append", "Report", "VerifyUpdate", "FlushAdd"};
static_assert(std::size(kEventNames) == std::variant_size_v<Event>);
static_assert(std::size(kCommandNames) == std::variant_size_v<Command>);
static_assert(std::size(kLogNames) == std::variant_size_v<LogRecord>);
static_assert(std::size(kServiceRequestNames) == std::variant_size_v<ServiceRequest>);

constexpr std::string_view kStateNames[] = {"ready", "invalid_name", "vanished", "not_ready", "not_regular"};
constexpr std::string_view kAdmitNames[] = {"not_moved", "vanished", "locked", "corrupt"};
constexpr std::string_view kAgentNames[] = {"connect", "greeting", "write"};
constexpr std::string_view kLogStateNames[] = {"absent", "empty", "present"};
constexpr std::string_view kWordNames[] = {"bounce", "verp", "delay_warning", "trace"};
constexpr std::string_view kServiceNames[] = {"bounce", "defer", "trace", "verify", "flush"};
constexpr std::string_view kReportNames[] = {"flush", "warn", "trace"};
constexpr std::string_view kAdviceNames[] = {"concurrency_limit", "active_limit", "separate_transport", "timeouts"};
constexpr std::string_view kGrantNames[] = {"hold", "one", "fill"};

std::string_view name_of(FileState v) { return kStateNames[static_cast<std::size_t>(v)]; }
std::string_view name_of(AdmitProblem v) { return kAdmitNames[static_cast<std::size_t>(v)]; }
std::string_view name_of(AgentProblem v) { return kAgentNames[static_cast<std::size_t>(v)]; }
std::string_view name_of(LogFileState v) { return kLogStateNames[static_cast<std::size_t>(v)]; }
std::string_view name_of(ReportWord v) { return kWordNames[static_cast<std::size_t>(v)]; }
std::string_view name_of(Service v) { return kServiceNames[static_cast<std::size_t>(v)]; }
std::string_view name_of(ReportRequest::Kind v) { return kReportNames[static_cast<std::size_t>(v)]; }
std::string_view name_of(LogClogged::Advice v) { return kAdviceNames[static_cast<std::size_t>(v)]; }
std::string_view name_of(BalanceFlow::Grant v) { return kGrantNames[static_cast<std::size_t>(v)]; }
std::string_view name_of(Queue v) { return to_string(v); }

class Writer {
 public:
  [[nodiscard]] std::string take() { return std::move(out_); }

  void value(bool v) { out_ += v ? "true" : "false"; }
  void value(const std::string& v) { text(v); }
  void value(Seconds v) { number(v.count()); }
  void value(double v) {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, v);
    out_.append(buffer, end.ptr);
  }
  template <class T>
  requires std::is_integral_v<T>
  void value(T v) { number(v); }
  template <class T>
  requires std::is_enum_v<T>
  void value(T v) { text(name_of(v)); }
  template <class T>
  void value(Id<T> v) {
    number(v.value);
  }
  template <class T>
  void value(const std::optional<T>& v) {
    if (v) value(*v);
    else out_ += "null";
  }
  template <class T>
  void value(const std::vector<T>& v) {
    out_ += '[';
    for (std::size_t i = 0; i < v.size(); ++i) {
      if (i > 0) out_ += ", ";
      value(v[i]);
    }
    out_ += ']';
  }
  void value(const ServiceRequest& v) { alternative(v, kServiceRequestNames); }
  void value(const LogRecord& v) { alternative(v, kLogNames); }
  template <class T>
  requires requires(const T& t) {
    t.fields([](std::string_view, const auto&) {});
  }
  void value(const T& v) {
    out_ += '{';
    bool first = true;
    v.fields([&](std::string_view name, const auto& field) {
      if (!first) out_ += ", ";
      first = false;
      text(name);
      out_ += ": ";
      value(field);
    });
    out_ += '}';
  }
  template <class V, std::size_t N>
  void alternative(const V& v, const std::string_view (&names)[N]) {
    out_ += '{';
    text(names[v.index()]);
    out_ += ": ";
    std::visit([&](const auto& a) { value(a); }, v);
    out_ += '}';
  }

 private:
  template <class T>
  void number(T v) {
    char buffer[24];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, v);
    out_.append(buffer, end.ptr);
  }
  void text(std::string_view v) {
    static constexpr char kHex[] = "0123456789abcdef";
    out_ += '"';
    for (const char c : v) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (byte < 32 || byte > 126) {
        out_ += "\\u00";
        out_ += kHex[byte >> 4];
        out_ += kHex[byte & 15];
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  std::string out_;
};

}  // namespace

std::string show(const Event& event) {
  Writer w;
  w.alternative(event, kEventNames);
  return w.take();
}
std::string show(const Command& command) {
  Writer w;
  w.alternative(command, kCommandNames);
  return w.take();
}
std::string show(const LogRecord& record) {
  Writer w;
  w.value(record);
  return w.take();
}
std::string show(const Recipient& recipient) {
  Writer w;
  w.value(recipient);
  return w.take();
}
std::string show(const Envelope& envelope) {
  Writer w;
  w.value(envelope);
  return w.take();
}
std::string show(const Snapshot& snapshot) {
  Writer w;
  w.value(snapshot);
  return w.take();
}

}  // namespace weir
