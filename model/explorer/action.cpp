#include "model/explorer/action.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <sstream>

namespace weir::explorer {
namespace {

using Kind = Action::Kind;

enum class About : std::uint8_t { nothing, message, trigger, transport, delivery, question };

struct Word {
  Kind kind;
  const char* text;
  About about;
};

constexpr std::array<Word, 18> kWords = {{{Kind::turn, "turn", About::nothing},
                                          {Kind::wait_second, "wait", About::nothing},
                                          {Kind::wait_deadline, "wait-deadline", About::nothing},
                                          {Kind::arrive, "arrive", About::message},
                                          {Kind::trigger, "trigger", About::trigger},
                                          {Kind::greet, "greet", About::transport},
                                          {Kind::refuse, "refuse", About::transport},
                                          {Kind::break_off, "break", About::transport},
                                          {Kind::done, "done", About::delivery},
                                          {Kind::part, "part", About::delivery},
                                          {Kind::defer, "defer", About::delivery},
                                          {Kind::bounce, "bounce", About::delivery},
                                          {Kind::site, "site", About::delivery},
                                          {Kind::crash, "crash", About::delivery},
                                          {Kind::resolve, "resolve", About::nothing},
                                          {Kind::no_resolve, "no-resolve", About::nothing},
                                          {Kind::answer, "answer", About::question},
                                          {Kind::no_answer, "no-answer", About::question}}};

std::string object(const World& world, const Word& word, const Action& action) {
  const std::string message = queue_id(action.a);
  const std::string recipient = "r" + std::to_string(action.b);
  switch (word.about) {
    case About::nothing: return "";
    case About::message: return " " + message;
    case About::trigger: return " " + world.triggers.at(action.a);
    case About::transport: return " " + world.transports.at(action.a);
    case About::delivery: return " " + message + " " + recipient;
    case About::question: return " " + message + (action.b == kWhole ? "" : " " + recipient);
  }
  return "";
}

std::optional<std::uint8_t> index_in(const std::vector<std::string>& list, const std::string& text) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] == text) return static_cast<std::uint8_t>(i);
  }
  return std::nullopt;
}

std::optional<std::uint8_t> number_after(char letter, const std::string& text, std::size_t bound) {
  std::uint8_t number = 0;
  if (text.size() < 2 || text[0] != letter) return std::nullopt;
  const auto end = std::from_chars(text.data() + 1, text.data() + text.size(), number);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size() || number >= bound) return std::nullopt;
  return number;
}

std::optional<Action> parse_action(const World& world, const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  std::string first;
  std::string second;
  std::string surplus;
  words >> verb >> first >> second >> surplus;
  if (!surplus.empty()) return std::nullopt;
  for (const Word& word : kWords) {
    if (verb != word.text) continue;
    Action action{.kind = word.kind};
    std::optional<std::uint8_t> a = std::uint8_t{0};
    std::optional<std::uint8_t> b = std::uint8_t{0};
    switch (word.about) {
      case About::nothing: break;
      case About::trigger: a = index_in(world.triggers, first); break;
      case About::transport: a = index_in(world.transports, first); break;
      case About::message: a = number_after('M', first, world.mail.size()); break;
      case About::delivery:
      case About::question:
        a = number_after('M', first, world.mail.size());
        b = word.about == About::question && second.empty() ? kWhole : number_after('r', second, kRecipients);
        break;
    }
    if (!a || !b) return std::nullopt;
    action.a = *a;
    action.b = *b;
    const std::string said = (first.empty() ? "" : " " + first) + (second.empty() ? "" : " " + second);
    if (object(world, word, action) != said) return std::nullopt;
    return action;
  }
  return std::nullopt;
}

}  // namespace

std::string show(const World& world, const Action& action) {
  for (const Word& word : kWords) {
    if (word.kind == action.kind) return word.text + object(world, word, action);
  }
  return "?";
}

std::string show(const World& world, const Script& script) {
  std::string text = "# world " + world.name + "\n";
  for (const Action& action : script) text += show(world, action) + "\n";
  return text;
}

Result<Script> parse_script(const World& world, std::string_view text) {
  Script script;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto action = parse_action(world, line);
    if (!action) return Failure{"line " + std::to_string(number) + ": no action of this world: " + line};
    script.push_back(*action);
  }
  return script;
}

Action::Kind end_with(Outcome outcome) {
  switch (outcome) {
    case Outcome::done: return Kind::done;
    case Outcome::part: return Kind::part;
    case Outcome::defer: return Kind::defer;
    case Outcome::bounce: return Kind::bounce;
    case Outcome::site: return Kind::site;
    case Outcome::crash: return Kind::crash;
  }
  return Kind::done;
}

}  // namespace weir::explorer
