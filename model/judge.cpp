#include "model/judge.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir::model {
namespace {

// The first name for which something was told to differ.
class FirstName {
 public:
  void take(std::string_view field, std::string_view other, bool differs) {
    if (name_.empty() && field == other && differs) name_ = field;
  }
  [[nodiscard]] std::string_view name() const { return name_; }

 private:
  std::string_view name_;
};

// The name of the first field in which two values of one type differ; empty: in none.
template <class T>
std::string_view first_difference(const T& a, const T& b) {
  FirstName first;
  const auto compare = [&](std::string_view field, const auto& left) {
    b.fields([&](std::string_view other, const auto& right) {
      if constexpr (std::is_same_v<decltype(left), decltype(right)>) {
        first.take(field, other, !(left == right));
      }
    });
  };
  a.fields(compare);
  return first.name();
}

Duty duty(const RecoverActive&, std::string_view field) { return {"QUE-02", field}; }
Duty duty(const OpenScan& c, std::string_view field) {
  return {c.queue == Queue::deferred ? "TRG-03" : "TRG-05", field};
}
Duty duty(const ScanNext&, std::string_view field) { return {"STR-04", field}; }
Duty duty(const Admit&, std::string_view field) {
  if (field == "from" || field == "queue_id") return {"STR-04", field};
  if (field == "at_most") return {"PAR-011", field};
  if (field == "flush_request") return {"TRG-09", field};
  if (field == "expire_request") return {"PAR-062", field};
  return {"QUE-03", field};
}
Duty duty(const ReadRecipients&, std::string_view field) { return {field == "at_most" ? "PAR-014" : "PAR-018", field}; }
Duty duty(const DropUnread&, std::string_view field) { return {"GEN-06", field}; }
Duty duty(const RemoveDeferLog&, std::string_view field) { return {"REP-04", field}; }
Duty duty(const CheckBounceLog&, std::string_view field) { return {"REP-01", field}; }
Duty duty(const RemoveBounceLog&, std::string_view field) { return {"REP-03", field}; }
Duty duty(const CheckFile&, std::string_view field) { return {"QUE-06", field}; }
Duty duty(const MarkDone&, std::string_view field) { return {"GEN-08", field}; }
Duty duty(const KillTrace&, std::string_view field) { return {"REP-05", field}; }
Duty duty(const UpdateWarn&, std::string_view field) { return {"REP-07", field}; }
Duty duty(const Retry&, std::string_view field) { return {field == "not_before" ? "QUE-05" : "QUE-04", field}; }
Duty duty(const CoolDown&, std::string_view field) { return {"QUE-02", field}; }
Duty duty(const Remove&, std::string_view field) { return {"QUE-02", field}; }
Duty duty(const MarkCorrupt&, std::string_view field) { return {"QUE-06", field}; }
Duty duty(const Forget&, std::string_view field) { return {"QUE-02", field}; }
Duty duty(const Resolve&, std::string_view field) { return {field == "addresses" ? "STR-08" : "GEN-06", field}; }
Duty duty(const RequestAgent&, std::string_view field) { return {field == "transport" ? "STR-09" : "GEN-05", field}; }
Duty duty(const Deliver&, std::string_view field) {
  if (field == "message") return {"STR-14", field};
  if (field == "nexthop") return {"STR-09", field};
  if (field == "recipients") return {"STR-08", field};
  if (field == "flags") return {"STR-12", field};
  return {"GEN-05", field};
}
Duty duty(const ReleaseAgent&, std::string_view field) { return {field.empty() ? "STR-06" : "GEN-05", field}; }
Duty duty(const AskService& c, std::string_view field) {
  if (const auto* append = std::get_if<AppendRequest>(&c.request)) {
    return {append->service == Service::defer ? "STR-13" : "REP-05", field};
  }
  return {std::holds_alternative<VerifyUpdate>(c.request) ? "PAR-075" : "REP-07", field};
}
Duty duty(const Log& c, std::string_view field) {
  const auto is = [&]<class... R>(std::type_identity<R>...) { return (std::holds_alternative<R>(c.record) || ...); };
  if (is(std::type_identity<LogExpired>{})) return {"PAR-062", field};
  if (is(std::type_identity<LogClogged>{})) return {"PAR-008", field};
  if (is(std::type_identity<LogIgnoredDsn>{})) return {"STD-01", field};
  if (is(std::type_identity<LogFeedbackSetting>{}, std::type_identity<LogFeedbackStep>{},
         std::type_identity<LogFeedbackState>{}, std::type_identity<LogIgnoredFeedback>{})) {
    return {"PAR-036", field};
  }
  return {"DIA-01", field};
}
Duty duty(const BalanceFlow&, std::string_view field) { return {"STR-03", field}; }

std::string_view field_that_differs(const Command& decided, const Command& allowed) {
  return std::visit(
      [&](const auto& mine) -> std::string_view {
        const auto* other = std::get_if<std::decay_t<decltype(mine)>>(&allowed);
        return other == nullptr ? std::string_view{} : first_difference(mine, *other);
      },
      decided);
}

}  // namespace

// What is demanded weighs more than what was done in its place.
Duty duty_of(const std::optional<Command>& decided, const std::optional<Command>& allowed) {
  if (!decided && !allowed) return {"TRG-01", ""};
  const std::string_view field = decided && allowed ? field_that_differs(*decided, *allowed) : "";
  return std::visit([&](const auto& command) { return duty(command, field); }, allowed ? *allowed : *decided);
}

std::optional<std::string> Judge::objection(const TraceHeader& header) {
  const auto known = {"qmgr", "oqmgr", "nqmgr", "nqmgr-2003"};
  if (std::find(known.begin(), known.end(), header.personality) == known.end()) {
    return "there is no model of the personality \"" + header.personality + "\"";
  }
  if (header.addresses != "plain" && header.addresses != "hashed") {
    return "addresses are neither plain nor hashed but \"" + header.addresses + "\"";
  }
  return std::nullopt;
}

void Judge::begin(const TraceHeader& header) {
  model_.emplace(header.config);
  started_ = false;
}

std::optional<Departure> Judge::look_at(const TraceStep& step) {
  if (model_ && std::holds_alternative<Started>(step.event)) started_ = true;
  if (!started_) {  // nothing is known of what the brain held
    ++passed_over_;
    return std::nullopt;
  }
  TraceStep allowed{step.at, step.event, {}, std::nullopt, false};
  model_->handle(step.at, step.event, allowed.commands);
  allowed.deadline = model_->next_deadline();
  allowed.turn = model_->wants_turn();
  ++events_;
  const auto [mine, other] =
      std::mismatch(step.commands.begin(), step.commands.end(), allowed.commands.begin(), allowed.commands.end());
  const auto place = static_cast<std::size_t>(mine - step.commands.begin());
  decisions_ += place;
  if (allowed == step) return std::nullopt;

  Departure departure{.place = place, .decided = {}, .allowed = {}, .duty = {}, .allowed_step = {}};
  if (mine != step.commands.end()) departure.decided = *mine;
  if (other != allowed.commands.end()) departure.allowed = *other;
  departure.duty = duty_of(departure.decided, departure.allowed);
  if (!departure.decided && !departure.allowed) departure.duty.about = step.turn != allowed.turn ? "turn" : "deadline";
  if (departure.decided || departure.allowed) ++decisions_;
  departure.allowed_step = std::move(allowed);
  return departure;
}

}  // namespace weir::model
