#include "blackbox/scenario.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "blackbox/keywords.hpp"
#include "blackbox/surroundings.hpp"
#include "blackbox/words.hpp"

namespace weir::blackbox {
namespace {

constexpr std::int64_t kAdvanceMax = 1'000'000;  // seconds, and as many rounds
constexpr std::int64_t kTimeMax = 10'000'000'000;
constexpr std::int64_t kRequestMax = std::numeric_limits<int>::max();
constexpr unsigned kModeMax = 07777;

using Words = std::vector<Word>;

Failure failure(std::string text) { return Failure{std::move(text)}; }
std::string in_quotes(std::string_view text) { return '"' + printable(text) + '"'; }

std::string name_of(const Word& word) { return in_quotes(word.value ? word.text + '=' + *word.value : word.text); }

bool is_name(std::string_view text) {
  const auto is_word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_word);
}

// --- options that a line knows: each reads the value of one, and says what is wrong with it -------------------

struct Known {
  std::string_view name;
  std::function<std::optional<std::string>(const std::string& value)> take;
};

template <class T>
Known number_option(std::string_view name, T& target, std::int64_t least, std::int64_t most) {
  return {name, [&target, least, most](const std::string& value) -> std::optional<std::string> {
            const auto number = number_of(value, least, most);
            if (!number) return "is no number from " + std::to_string(least) + " to " + std::to_string(most);
            target = static_cast<T>(*number);
            return std::nullopt;
          }};
}

template <>
Known number_option(std::string_view name, std::optional<std::int64_t>& target, std::int64_t least, std::int64_t most) {
  return {name, [&target, least, most](const std::string& value) -> std::optional<std::string> {
            target = number_of(value, least, most);
            if (!target) return "is no number from " + std::to_string(least) + " to " + std::to_string(most);
            return std::nullopt;
          }};
}

template <class T>
Known text_option(std::string_view name, T& target) {
  return {name, [&target](const std::string& value) {
            target = value;
            return std::optional<std::string>();
          }};
}

Known mode_option(unsigned& target) {
  return {"mode", [&target](const std::string& value) -> std::optional<std::string> {
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), target, 8);
            const bool good = error == std::errc() && end == value.data() + value.size() && target <= kModeMax;
            return good ? std::nullopt : std::optional<std::string>("is no octal number from 0 to 07777");
          }};
}

Known queue_option(Queue& target) {
  return {"queue", [&target](const std::string& value) -> std::optional<std::string> {
            if (value != "incoming" && value != "deferred") return "is neither incoming nor deferred";
            target = value == "incoming" ? Queue::incoming : Queue::deferred;
            return std::nullopt;
          }};
}

std::optional<unsigned> flag_of(std::string_view text) {
  for (const auto& [name, bit] : kResolverFlags) {
    if (name == text) return bit;
  }
  const auto number = number_of(text, 0, std::numeric_limits<unsigned>::max());
  return number ? std::optional(static_cast<unsigned>(*number)) : std::nullopt;
}

Known flags_option(unsigned& target) {
  return {"flags", [&target](const std::string& value) -> std::optional<std::string> {
            target = 0;
            for (std::string_view rest = value;;) {
              const auto plus = std::min(rest.find('+'), rest.size());
              const auto flag = flag_of(rest.substr(0, plus));
              if (!flag) return "is no sum of bad-address, trouble, local, default and numbers";
              target |= *flag;
              if (plus == rest.size()) return std::nullopt;
              rest.remove_prefix(plus + 1);
            }
          }};
}

// Hands the option to the one of these that bears its name; a failure if none does, or the value is bad.
std::optional<Failure> take_option(const Word& word, const std::vector<Known>& known, std::set<std::string>& had) {
  const auto found = std::find_if(known.begin(), known.end(), [&](const Known& k) { return k.name == word.text; });
  if (found == known.end()) return failure(in_quotes(word.text) + " is no option of this input");
  if (!had.insert(word.text).second) return failure(in_quotes(word.text) + " is given twice");
  if (const auto wrong = found->take(*word.value)) return failure(name_of(word) + ": " + *wrong);
  return std::nullopt;
}

// --- inputs ----------------------------------------------------------------------------------------------------

Result<Input> parse_setup(const Words& words) {
  Setup setup;
  std::vector<std::string>* list = &setup.transports;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const Word& word = words[i];
    if (list == &setup.arguments) {
      setup.arguments.push_back(word.value ? word.text + '=' + *word.value : word.text);
    } else if (word.value) {
      if (!setup.parameters.emplace(word.text, *word.value).second)
        return failure(in_quotes(word.text) + " is given twice");
    } else if (word.is("show-allocate")) {
      setup.show_allocate = true;
    } else if (word.is("absent")) {
      list = &setup.absent;
    } else if (word.is("arguments")) {
      list = &setup.arguments;
    } else {
      list->push_back(word.text);
    }
  }
  return Input{std::move(setup)};
}

// Everything behind the name of a message.
class MessageWords {
 public:
  explicit MessageWords(const Words& words) : words_(words) {}

  Result<Input> parse() {
    if (words_.size() < 2 || words_[1].value || !is_name(words_[1].text)) {
      return failure("a message needs a name of letters and digits");
    }
    message_.name = words_[1].text;
    for (at_ = 2; at_ < words_.size(); ++at_) {
      if (auto wrong = one()) return std::move(*wrong);
    }
    return Input{std::move(message_)};
  }

 private:
  std::optional<Failure> one() {
    const Word& word = words_[at_];
    if (word.is("unannounced")) {
      message_.wake = false;
    } else if (word.is("record")) {
      return record();
    } else if (word.is("resolve")) {
      return resolve();
    } else if (word.value) {
      return take_option(word, answer_ != nullptr ? of_answer() : of_message(), had_);
    } else if (answer_ != nullptr) {
      return failure(name_of(word) + ": recipients come before \"resolve\"");
    } else if (!append_addresses(word, message_.recipients, room_)) {
      return failure("more than " + std::to_string(kAddressesMax) + " recipients, or they take too much memory");
    }
    return std::nullopt;
  }
  std::optional<Failure> record() {
    if (++at_ == words_.size() || !words_[at_].value || words_[at_].text.size() != 1) {
      return failure("\"record\" needs LETTER=TEXT");
    }
    message_.records.emplace_back(words_[at_].text.front(), *words_[at_].value);
    return std::nullopt;
  }
  std::optional<Failure> resolve() {
    if (++at_ == words_.size() || words_[at_].value) return failure("\"resolve\" needs an address");
    const std::string& address = words_[at_].text;
    const auto [entry, is_new] = message_.resolved.emplace(address, Answer{"", "", address, kResolveClassDefault});
    if (!is_new) return failure(in_quotes(address) + " is resolved twice");
    answer_ = &entry->second;
    had_.clear();
    return std::nullopt;
  }
  std::vector<Known> of_message() {
    return {text_option("sender", message_.sender), queue_option(message_.queue), mode_option(message_.mode),
            number_option("created", message_.create_time, -kTimeMax, kTimeMax),
            number_option("declared", message_.declared, -kTimeMax, kTimeMax)};
  }
  std::vector<Known> of_answer() {
    return {text_option("transport", answer_->transport), text_option("nexthop", answer_->nexthop),
            text_option("recipient", answer_->recipient), flags_option(answer_->flags)};
  }

  const Words& words_;
  std::size_t at_ = 0;
  NewMessage message_;
  std::size_t room_ = kAddressRoomMax;
  Answer* answer_ = nullptr;  // of the last "resolve"
  std::set<std::string> had_;
};

Result<Input> parse_message(const Words& words) { return MessageWords(words).parse(); }

std::optional<int> request_of(const Words& words) {
  if (words.size() < 2 || words[1].value) return std::nullopt;
  const auto number = number_of(words[1].text, 1, kRequestMax);
  return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

Result<Input> parse_reply(const Words& words) {
  const auto request = request_of(words);
  if (!request) return failure("a reply needs the number of a request");
  Reply reply{.request = *request};
  bool has_status = false;
  std::set<std::string> had;
  const std::vector<Known> known = {
      number_option("status", reply.status, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()),
      text_option("dsn", reply.dsn.code), text_option("reason", reply.dsn.text), text_option("raw", reply.raw)};
  for (std::size_t i = 2; i < words.size(); ++i) {
    const Word& word = words[i];
    if (word.value) {
      if (auto wrong = take_option(word, known, had)) return std::move(*wrong);
      has_status = has_status || word.text == "status";
    } else if (word.is("done") || word.is("retry")) {
      reply.status = word.is("done") ? 0 : -1;
      has_status = true;
    } else if (word.is("unmarked")) {
      reply.mark = false;
    } else {
      return failure(name_of(word) + " is none of done, retry, unmarked");
    }
  }
  if (!has_status) return failure("a reply needs \"done\", \"retry\" or a status");
  return Input{std::move(reply)};
}

Result<Input> parse_crash(const Words& words) {
  const auto request = request_of(words);
  if (!request || words.size() != 2) return failure("a crash needs the number of a request");
  return Input{Crash{*request}};
}

template <class T, std::int64_t kLeast, std::int64_t kMost>
Result<Input> parse_seconds(const Words& words) {
  const auto number =
      words.size() == 2 && !words[1].value ? number_of(words[1].text, kLeast, kMost) : std::optional<std::int64_t>();
  if (!number) {
    return failure(in_quotes(words[0].text) + " needs a number of seconds from " + std::to_string(kLeast) + " to " +
                   std::to_string(kMost));
  }
  return Input{T{*number}};
}

template <class T>
Result<Input> parse_alone(const Words& words) {
  if (words.size() != 1) return failure(in_quotes(words[0].text) + " stands alone");
  return Input{T{}};
}

// Inputs with one word behind their name.
template <class T>
Result<Input> parse_one(const Words& words) {
  if (words.size() != 2 || words[1].value) return failure(in_quotes(words[0].text) + " needs one word behind it");
  return Input{T{words[1].text}};
}

template <class T>
Result<Input> parse_service(const Words& words) {
  const auto is_named = [&](const char* name) { return words[1].is(name); };
  if (words.size() != 2 || std::none_of(kServiceNames.begin(), kServiceNames.end(), is_named)) {
    return failure(in_quotes(words[0].text) + " needs one of bounce, defer, trace, verify, flush");
  }
  return Input{T{words[1].text}};
}

struct Kind {
  std::string_view name;
  Result<Input> (*parse)(const Words& words);
};
constexpr Kind kKinds[] = {
    {"setup", parse_setup},
    {"message", parse_message},
    {"agent", parse_one<Slot>},
    {"hangup", parse_one<HangUp>},
    {"reply", parse_reply},
    {"crash", parse_crash},
    {"advance", parse_seconds<Advance, 1, kAdvanceMax>},
    {"jump", parse_seconds<Jump, kEarliest, kTimeMax>},
    {"trigger", parse_one<TriggerInput>},
    {"bounce-log", parse_one<BounceLogAppears>},
    {"unlisten", parse_one<Unlisten>},
    {"relisten", parse_one<Relisten>},
    {"service-fails", parse_service<ServiceFails>},
    {"service-works", parse_service<ServiceWorks>},
    {"resolver-stalls", parse_alone<ResolverStalls>},
    {"resolver-answers", parse_alone<ResolverAnswers>},
    {"hold", parse_one<Hold>},
    {"release", parse_one<Release>},
    {"cut", parse_one<FileIsCut>},
};

// --- scenarios -------------------------------------------------------------------------------------------------

constexpr std::string_view kRule = "----";
constexpr std::string_view kTitle = "=== ";
constexpr std::string_view kRows = "rows:", kFor = "for:", kDeparts = "departs:";

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto space = std::min(text.find(' '), text.size());
    if (space > 0) parts.emplace_back(text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return parts;
}

// Takes the lines of a file one by one.
class Reader {
 public:
  // Nothing, or what is wrong with this line.
  std::optional<std::string> line(std::string_view text) {
    if (expecting_) {
      if (!text.empty()) scenario().steps.back().expected.emplace_back(text);
      expecting_ = !text.empty();
      return std::nullopt;
    }
    if (text.empty()) return std::nullopt;
    if (text.starts_with(kTitle)) return begin(text.substr(kTitle.size()));
    if (text.front() == '#') return comment(text.substr(text.starts_with("# ") ? 2 : 1));
    if (text == kRule) return rule();
    return input(text);
  }
  // What is missing at the end.
  [[nodiscard]] std::optional<std::string> end() const {
    if (scenarios_.empty() || scenarios_.back().steps.empty()) return "there is no setup";
    if (!comments_.empty()) return "a comment belongs to no input";
    return std::nullopt;
  }
  [[nodiscard]] std::vector<Scenario> take() { return std::move(scenarios_); }

 private:
  Scenario& scenario() {
    if (scenarios_.empty()) scenarios_.emplace_back();
    return scenarios_.back();
  }
  std::optional<std::string> begin(std::string_view title) {
    if (!scenarios_.empty()) {
      if (auto wrong = end()) return wrong;
    }
    if (title.empty()) return "a title is missing";
    scenarios_.emplace_back().title = title;
    names_.clear();
    after_input_ = false;
    return std::nullopt;
  }
  std::optional<std::string> comment(std::string_view text) {
    after_input_ = false;
    if (!scenario().steps.empty()) {
      comments_.emplace_back(text);
    } else if (text.starts_with(kRows)) {
      for (std::string& each : split(text.substr(kRows.size()))) scenario().requirements.push_back(std::move(each));
    } else if (text.starts_with(kFor)) {
      for (std::string& each : split(text.substr(kFor.size()))) scenario().personalities.push_back(std::move(each));
    } else if (text.starts_with(kDeparts)) {
      for (std::string& each : split(text.substr(kDeparts.size()))) scenario().divergences.push_back(std::move(each));
    } else {
      scenario().about.emplace_back(text);
    }
    return std::nullopt;
  }
  std::optional<std::string> rule() {
    if (!after_input_) return "\"----\" does not follow an input";
    after_input_ = false;
    expecting_ = true;
    return std::nullopt;
  }
  std::optional<std::string> input(std::string_view text) {
    Result<Input> parsed = parse_input(text);
    if (!parsed) return parsed.error().text;
    const bool is_first = scenario().steps.empty();
    if (std::holds_alternative<Setup>(*parsed) != is_first) {
      return is_first ? "the first input must be the setup" : "there can be one setup only";
    }
    const auto* message = std::get_if<NewMessage>(&*parsed);
    if (message != nullptr && !names_.insert(message->name).second)
      return "message " + message->name + " is there already";
    if (message != nullptr && !make_room(*message)) return "the recipients of this file take too much memory";
    scenario().steps.push_back({std::move(*parsed), {}, std::exchange(comments_, {})});
    after_input_ = true;
    return std::nullopt;
  }

  bool make_room(const NewMessage& message) {
    std::size_t needed = 0;
    for (const std::string& recipient : message.recipients) needed += room_of(recipient);
    if (needed > room_) return false;
    room_ -= needed;
    return true;
  }

  std::vector<Scenario> scenarios_;
  std::vector<std::string> comments_;
  std::size_t room_ = kAddressRoomMax;  // for recipients
  std::set<std::string> names_;
  bool after_input_ = false;  // "----" may follow
  bool expecting_ = false;
};

std::string comment_line(std::string_view text) { return "# " + std::string(text) + '\n'; }

std::string list_line(std::string_view head, const std::vector<std::string>& parts) {
  if (parts.empty()) return "";
  std::string text(head);
  for (const std::string& each : parts) text += ' ' + each;
  return comment_line(text);
}

std::string show(const ScenarioStep& step) {
  std::string text;
  for (const std::string& each : step.comments) text += comment_line(each);
  text += show(step.input) + '\n';
  if (!step.expected.empty()) text += std::string(kRule) + '\n';
  for (const std::string& each : step.expected) text += each + '\n';
  return text;
}

}  // namespace

Result<Input> parse_input(std::string_view line) {
  Result<Words> words = split_words(line);
  if (!words) return words.error();
  if (words->empty()) return failure("there is no input in this line");
  for (const Kind& kind : kKinds) {
    if (words->front().is(kind.name)) return kind.parse(*words);
  }
  return failure(name_of(words->front()) + " is no input");
}

Result<std::vector<Scenario>> parse_scenarios(std::string_view text) {
  if (text.size() > kScenarioBytesMax) return failure("more than " + std::to_string(kScenarioBytesMax) + " bytes");
  Reader reader;
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto length = std::min(rest.find('\n'), rest.size());
    number += 1;
    if (const auto wrong = reader.line(rest.substr(0, length))) {
      return failure("line " + std::to_string(number) + ": " + *wrong);
    }
    rest.remove_prefix(std::min(length + 1, rest.size()));
  }
  if (const auto wrong = reader.end()) return failure("line " + std::to_string(number) + ": " + *wrong);
  return reader.take();
}

Result<Scenario> parse_scenario(std::string_view text) {
  Result<std::vector<Scenario>> all = parse_scenarios(text);
  if (!all) return all.error();
  if (all->size() != 1) return failure("there are " + std::to_string(all->size()) + " scenarios, not one");
  return std::move(all->front());
}

std::string show(const Scenario& scenario) {
  std::string text = scenario.title.empty() ? "" : std::string(kTitle) + scenario.title + '\n';
  for (const std::string& each : scenario.about) text += comment_line(each);
  text += list_line(kRows, scenario.requirements) + list_line(kFor, scenario.personalities);
  text += list_line(kDeparts, scenario.divergences);
  bool is_first = true;
  for (const ScenarioStep& step : scenario.steps) {
    text += (std::exchange(is_first, false) ? "" : "\n") + show(step);
  }
  return text;
}

std::string show(const std::vector<Scenario>& scenarios) {
  std::string text;
  for (const Scenario& each : scenarios) text += (text.empty() ? "" : "\n") + show(each);
  return text;
}

std::vector<std::string> expected_lines(const std::vector<Observation>& seen, std::int64_t began) {
  std::vector<std::string> lines;
  for (const Observation& each : seen) {
    const std::int64_t later = each.at - began;
    lines.push_back((later == 0 ? "" : (later > 0 ? "+" : "") + std::to_string(later) + ' ') + show(each));
  }
  return lines;
}

}  // namespace weir::blackbox
