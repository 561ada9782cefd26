// The resolver of a twin's surroundings, and how a queue manager asks it: what it was asked last it is not asked again
// for a while; so many questions at a time; and who has waited for an answer for too long asks again. Times: Unix
// seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "contract/command.hpp"
#include "contract/event.hpp"

namespace weir::blackbox {

class TwinResolver {
 public:
  void set_timeout(Seconds timeout) { timeout_ = timeout.count(); }

  // What it says about an address from now on.
  void learn(const std::string& address, const Answer& answer) { known_[address] = answer; }

  // It keeps its answers to itself from now on; it gives them, and answers at once again. The one that everything has
  // waited for, if there is one.
  void stall() { stalls_ = true; }
  [[nodiscard]] std::optional<Resolved> answer(std::int64_t now);

  struct Outcome {
    std::optional<Resolved> answer;  // none: it is late
    bool asked = false;              // not only what it was asked last
  };
  // `behind`: an earlier question is not done with, so that nobody waits for this one.
  [[nodiscard]] Outcome ask(const Resolve& command, const std::string& sender, bool behind, std::int64_t now);

  // Everything waits for an answer; not for long (DV-12).
  [[nodiscard]] bool is_waited_for() const { return waited_until_.has_value(); }
  void look_at_clock(std::int64_t now);

  // Late answers: there are some; some are coming; those that are complete when it has been heard once more.
  [[nodiscard]] bool owes() const { return !late_.empty(); }
  [[nodiscard]] bool is_coming(std::int64_t now) const {
    return !late_.empty() && !stalls_ && late_.front().is_asked(now);
  }
  [[nodiscard]] std::vector<Resolved> hear(std::int64_t now);

  // Questions that have not been answered in time: so many. They are asked again in a while.
  [[nodiscard]] std::size_t give_up(std::int64_t now);

 private:
  struct Late {
    Resolved answer;
    std::size_t questions = 0;  // that are open
    std::int64_t asked_at = 0;  // the first of them
    bool is_given_up = false;   // and will be asked again at that time
    [[nodiscard]] bool is_asked(std::int64_t now) const { return !is_given_up || asked_at <= now; }
  };
  struct Last {
    std::string question;
    Answer answer;
    std::optional<std::int64_t> good_until;  // none: it is missing
  };

  [[nodiscard]] Answer resolve(const std::string& address) const;

  std::map<std::string, Answer> known_;
  std::int64_t timeout_ = 0;
  bool stalls_ = false;
  Last last_;
  std::deque<Late> late_;  // in the order of the questions
  std::optional<std::int64_t> waited_until_;
};

}  // namespace weir::blackbox
