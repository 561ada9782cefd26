#include "blackbox/twin_resolver.hpp"

#include <algorithm>
#include <utility>

#include "blackbox/surroundings.hpp"
#include "blackbox/words.hpp"

namespace weir::blackbox {
namespace {

constexpr std::int64_t kPatience = 1;  // for which everything waits
constexpr std::int64_t kGoodFor = 30;  // the last answer
constexpr std::size_t kAtATime = 4;    // questions
constexpr std::int64_t kAgainIn = 1;   // after an answer that did not come

std::string question_of(const Resolve& command, const std::string& sender, const std::string& address) {
  const char* const kind = command.rewrite_first ? "rewrite" : command.probe ? "probe" : "resolve";
  return std::string(kind) + ' ' + word(sender) + ' ' + address;
}

}  // namespace

Answer TwinResolver::resolve(const std::string& address) const {
  const auto found = known_.find(address);
  return found == known_.end() ? usual_answer(address) : found->second;
}

TwinResolver::Outcome TwinResolver::ask(const Resolve& command, const std::string& sender, bool behind,
                                        std::int64_t now) {
  Resolved answer{command.message, {}};
  std::size_t questions = 0;
  for (const std::string& address : command.addresses) {
    const std::string question = question_of(command, sender, address);
    const bool is_good = !last_.good_until || now < *last_.good_until;
    if (question != last_.question || !is_good) {
      questions += 1;
      const auto until = stalls_ ? std::nullopt : std::optional(now + kGoodFor);
      last_ = {address.empty() ? "" : question, resolve(address), until};
    }
    answer.answers.push_back(last_.answer);
  }
  const bool is_late = behind || (questions > 0 && stalls_);
  if (!is_late) return {std::move(answer), questions > 0};
  if (!behind) waited_until_ = now + kPatience;
  late_.push_back({.answer = std::move(answer), .questions = questions, .asked_at = now});
  return {std::nullopt, questions > 0};
}

std::optional<Resolved> TwinResolver::answer(std::int64_t now) {
  stalls_ = false;
  if (!last_.good_until) last_.good_until = now + kGoodFor;
  if (!std::exchange(waited_until_, std::nullopt)) return std::nullopt;
  Resolved first = std::move(late_.front().answer);
  late_.pop_front();
  return first;
}

void TwinResolver::look_at_clock(std::int64_t now) {
  if (waited_until_ && now >= *waited_until_) waited_until_.reset();
}

std::vector<Resolved> TwinResolver::hear(std::int64_t now) {
  std::vector<Resolved> complete;
  std::size_t room = stalls_ ? 0 : kAtATime;
  while (!late_.empty() && late_.front().is_asked(now)) {
    Late& first = late_.front();
    const std::size_t answered = std::min(room, first.questions);
    room -= answered;
    first.questions -= answered;
    if (answered > 0) first.asked_at = now;  // the others
    if (first.questions > 0) break;
    complete.push_back(std::move(first.answer));
    late_.pop_front();
  }
  return complete;
}

std::size_t TwinResolver::give_up(std::int64_t now) {
  std::size_t given_up = 0;
  std::size_t room = kAtATime;
  for (Late& late : late_) {
    const std::size_t asked = std::min(room, late.questions);
    room -= asked;
    if (late.is_asked(now)) late.is_given_up = false;
    if (asked == 0) late.asked_at = now;  // at the earliest
    if (late.is_given_up || now < late.asked_at + timeout_) continue;
    given_up += asked;
    late.asked_at = now + kAgainIn;
    late.is_given_up = true;
  }
  return given_up;
}

}  // namespace weir::blackbox
