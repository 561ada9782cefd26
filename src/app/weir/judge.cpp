#include "app/weir/judge.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <utility>
#include <variant>

#include "contract/show.hpp"
#include "model/judge.hpp"
#include "trace/reader/read.hpp"

namespace weir::app {
namespace {

std::string show_or(const std::optional<Command>& command, const char* nothing) {
  return command ? show(*command) : nothing;
}

std::string deadline_text(const std::optional<Seconds>& deadline) {
  return deadline ? std::to_string(deadline->count()) : "none";
}

void print(std::ostream& out, std::size_t line, const TraceStep& step, const model::Departure& departure) {
  out << "line " << line << ": departs from " << departure.duty.requirement;
  if (!departure.duty.about.empty()) out << " in " << departure.duty.about;
  out << "\n  time:    " << step.at.seconds().count() << "\n  event:   " << show(step.event) << '\n';
  if (departure.decided || departure.allowed) {
    out << "  command: " << departure.place + 1 << " of " << step.commands.size() << "; allowed are "
        << departure.allowed_step.commands.size() << "\n  decided: " << show_or(departure.decided, "nothing more")
        << "\n  allowed: " << show_or(departure.allowed, "nothing more") << '\n';
  } else {
    const TraceStep& allowed = departure.allowed_step;
    const auto wish = [&](const TraceStep& of) {
      return "next tick " + deadline_text(of.deadline) + ", another turn " + (of.turn ? "yes" : "no");
    };
    out << "  decided: " << wish(step) << "\n  allowed: " << wish(allowed) << '\n';
  }
}

// One trace, from its first line to the verdict.
class Session {
 public:
  Session(std::istream& trace, std::string name, std::ostream& out, std::ostream& errors)
      : lines_(trace), name_(std::move(name)), out_(out), errors_(errors) {}

  int run() {
    while (auto line = lines_.next()) {
      if (unreadable_ && !starts_a_run(*line)) return cannot("line " + std::to_string(*unreadable_) + " " + why_);
      unreadable_.reset();
      if (!line->content) {
        if (!line->complete) {  // cut in the middle of writing
          cut_ = true;
          break;
        }
        unreadable_ = line->number;
        why_ = line->content.error().text;
        continue;
      }
      const auto status =
          std::visit([&](const auto& content) { return look_at(line->number, content); }, *line->content);
      if (status) return *status;
    }
    if (unreadable_) return cannot("line " + std::to_string(*unreadable_) + " " + why_);
    return verdict();
  }

 private:
  static bool starts_a_run(const trace::Lines::Line& line) {
    return line.content && std::holds_alternative<TraceHeader>(*line.content);
  }

  std::optional<int> look_at(std::size_t number, const TraceHeader& header) {
    if (const auto objection = model::Judge::objection(header)) {
      return cannot("line " + std::to_string(number) + ": " + *objection);
    }
    if (open_) ++cut_runs_;
    judge_.begin(header);
    ++runs_;
    open_ = true;
    return std::nullopt;
  }

  std::optional<int> look_at(std::size_t number, const TraceStep& step) {
    const auto departure = judge_.look_at(step);
    if (!departure) return std::nullopt;
    print(out_, number, step, *departure);
    say_consumed();
    out_ << name_ << ": departs\n";
    return kDeparts;
  }

  std::optional<int> look_at(std::size_t, const TraceEnd& end) {
    open_ = false;
    end_ = end.reason;
    return std::nullopt;
  }

  int verdict() {
    say_consumed();
    if (judge_.passed_over() > 0) {
      out_ << "  " << judge_.passed_over() << " events before the start of a process were passed over\n";
    }
    if (cut_runs_ > 0)
      out_ << "  " << cut_runs_ << " runs end without an end line, and were judged as far as they go\n";
    if (open_ || cut_) {
      out_ << "  the last run is cut, and was judged as far as it goes\n";
    } else if (end_ != "exit" && !end_.empty()) {
      out_ << "  recording ended before the run did: " << end_ << '\n';
    }
    if (judge_.decisions() == 0) return cannot("it has no decision that could be judged");
    out_ << name_ << ": conforms\n";
    return kConforms;
  }

  void say_consumed() {
    out_ << "consumed " << judge_.events() << " events and " << judge_.decisions() << " decisions of " << runs_
         << (runs_ == 1 ? " run\n" : " runs\n");
  }

  int cannot(const std::string& why) {
    errors_ << "weir judge: " << name_ << ": cannot be judged: " << why << '\n';
    return kNotJudged;
  }

  trace::Lines lines_;
  std::string name_;
  std::ostream& out_;
  std::ostream& errors_;
  model::Judge judge_;
  std::uint64_t runs_ = 0, cut_runs_ = 0;
  bool open_ = false, cut_ = false;  // a run has begun and not ended; its last line is not whole
  std::string end_;
  std::optional<std::size_t> unreadable_;  // a line that only the start of a run may follow
  std::string why_;
};

}  // namespace

int judge_trace(std::istream& trace, const std::string& name, std::ostream& out, std::ostream& errors) {
  return Session(trace, name, out, errors).run();
}

int judge(const std::string& file, std::ostream& out, std::ostream& errors) {
  if (file == "-") return judge_trace(std::cin, file, out, errors);
  errno = 0;
  std::ifstream trace{file, std::ios::binary};
  if (trace && std::filesystem::is_directory(file)) errno = EISDIR;
  if (trace && errno == 0) return judge_trace(trace, file, out, errors);
  errors << "weir judge: " << file << ": " << std::strerror(errno) << '\n';
  return kNotJudged;
}

}  // namespace weir::app
