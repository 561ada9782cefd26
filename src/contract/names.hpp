// The words for what the contract's types can be: alternatives of its variants and values of its enumerations, in the
// order of their declarations. Text forms (show.hpp) and traces (spec/trace.md) are written and read with them.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <variant>

#include "contract/command.hpp"
#include "contract/config.hpp"
#include "contract/event.hpp"
#include "contract/log_record.hpp"

namespace weir::names {

inline constexpr auto kEvents =
    std::to_array<std::string_view>({"Started", "Turn", "Tick", "Triggered", "ScanEntry", "ScanEnded", "Admitted",
                                     "AdmitFailed", "RecipientsRead", "ReadFailed", "Resolved", "AgentReady",
                                     "AgentFailed", "Delivered", "BounceLogChecked", "FileChecked", "ServiceAnswered"});
inline constexpr auto kCommands = std::to_array<std::string_view>(
    {"RecoverActive",  "OpenScan",       "ScanNext",        "Admit",        "ReadRecipients", "DropUnread",
     "RemoveDeferLog", "CheckBounceLog", "RemoveBounceLog", "CheckFile",    "MarkDone",       "KillTrace",
     "UpdateWarn",     "Retry",          "CoolDown",        "Remove",       "MarkCorrupt",    "Forget",
     "Resolve",        "RequestAgent",   "Deliver",         "ReleaseAgent", "AskService",     "Log",
     "BalanceFlow"});
inline constexpr auto kLogRecords = std::to_array<std::string_view>(
    {"StillBeingDelivered", "Expired", "ReportFailed", "Delivery", "ServiceFailure", "IgnoredDsn", "IgnoredFeedback",
     "FeedbackSetting", "FeedbackStep", "FeedbackState", "Clogged", "TimeJump", "Allocate", "TransportFailure"});
inline constexpr auto kServiceRequests =
    std::to_array<std::string_view>({"Append", "Report", "VerifyUpdate", "FlushAdd"});
static_assert(kEvents.size() == std::variant_size_v<Event>);
static_assert(kCommands.size() == std::variant_size_v<Command>);
static_assert(kLogRecords.size() == std::variant_size_v<LogRecord>);
static_assert(kServiceRequests.size() == std::variant_size_v<ServiceRequest>);

inline constexpr auto kQueues = std::to_array<std::string_view>({"incoming", "active", "deferred", "corrupt"});
inline constexpr auto kFileStates =
    std::to_array<std::string_view>({"ready", "invalid_name", "vanished", "not_ready", "not_regular"});
inline constexpr auto kAdmitProblems = std::to_array<std::string_view>({"not_moved", "vanished", "locked", "corrupt"});
inline constexpr auto kAgentProblems = std::to_array<std::string_view>({"connect", "greeting", "write"});
inline constexpr auto kLogFileStates = std::to_array<std::string_view>({"absent", "empty", "present"});
inline constexpr auto kReportWords = std::to_array<std::string_view>({"bounce", "verp", "delay_warning", "trace"});
inline constexpr auto kServices = std::to_array<std::string_view>({"bounce", "defer", "trace", "verify", "flush"});
inline constexpr auto kReportKinds = std::to_array<std::string_view>({"flush", "warn", "trace"});
inline constexpr auto kAdvices =
    std::to_array<std::string_view>({"concurrency_limit", "active_limit", "separate_transport", "timeouts"});
inline constexpr auto kGrants = std::to_array<std::string_view>({"hold", "one", "fill"});
inline constexpr auto kFeedbackKinds = std::to_array<std::string_view>({"constant", "per_concurrency"});
inline constexpr auto kSchedulers = std::to_array<std::string_view>({"preemptive", "round_robin"});

// By a value of the type in question, which is not looked at.
using Words = std::span<const std::string_view>;
[[nodiscard]] constexpr Words of(const Event&) { return kEvents; }
[[nodiscard]] constexpr Words of(const Command&) { return kCommands; }
[[nodiscard]] constexpr Words of(const LogRecord&) { return kLogRecords; }
[[nodiscard]] constexpr Words of(const ServiceRequest&) { return kServiceRequests; }
[[nodiscard]] constexpr Words of(Queue) { return kQueues; }
[[nodiscard]] constexpr Words of(FileState) { return kFileStates; }
[[nodiscard]] constexpr Words of(AdmitProblem) { return kAdmitProblems; }
[[nodiscard]] constexpr Words of(AgentProblem) { return kAgentProblems; }
[[nodiscard]] constexpr Words of(LogFileState) { return kLogFileStates; }
[[nodiscard]] constexpr Words of(ReportWord) { return kReportWords; }
[[nodiscard]] constexpr Words of(Service) { return kServices; }
[[nodiscard]] constexpr Words of(ReportRequest::Kind) { return kReportKinds; }
[[nodiscard]] constexpr Words of(LogClogged::Advice) { return kAdvices; }
[[nodiscard]] constexpr Words of(BalanceFlow::Grant) { return kGrants; }
[[nodiscard]] constexpr Words of(Feedback::Kind) { return kFeedbackKinds; }
[[nodiscard]] constexpr Words of(Scheduler) { return kSchedulers; }

}  // namespace weir::names
