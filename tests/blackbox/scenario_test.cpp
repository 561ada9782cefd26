#include "blackbox/scenario.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "blackbox/words.hpp"
#include "sim/prng.hpp"

namespace weir::blackbox {
namespace {

struct Line {
  const char* text;
  Input input;
};

NewMessage message(std::string name, std::vector<std::string> recipients) {
  NewMessage message;
  message.name = std::move(name);
  message.recipients = std::move(recipients);
  return message;
}

std::vector<std::string> numbered(int from, int to, const std::string& domain) {
  std::vector<std::string> list;
  for (int i = from; i <= to; ++i) list.push_back("a" + std::to_string(i) + "@" + domain);
  return list;
}

std::vector<Line> lines() {
  NewMessage odd = message("B2", {});
  odd.queue = Queue::deferred;
  odd.wake = false;
  odd.sender = "";
  odd.create_time = -400;
  odd.mode = 0740;
  odd.declared = 7;
  odd.records = {{'L', "smtp:[h]:25"}, {'A', "trace_flags=256"}};
  NewMessage resolved = message("C", {"x y@d", "plain"});
  resolved.resolved = {{"plain", {"t1", "d 1", "plain", 4096}}, {"x y@d", {"t2", "", "z", 4 + 256 + 4096 + 32}}};
  return {
      {"setup t1 t2 a=1 b=\"x y\" absent t2",
       blackbox::Setup{{{"a", "1"}, {"b", "x y"}}, {"t1", "t2"}, {"t2"}, false, {}}},
      {"setup \"absent\" show-allocate arguments -o \"x=y\"", blackbox::Setup{{}, {"absent"}, {}, true, {"-o", "x=y"}}},
      {"message A a@d1.t1 b@d1.t1", message("A", {"a@d1.t1", "b@d1.t1"})},
      {"message A a1..a100@d1.t1 z@d1.t1",
       [] {
         NewMessage m = message("A", numbered(1, 100, "d1.t1"));
         m.recipients.push_back("z@d1.t1");
         return m;
       }()},
      {"message A a08..a11", message("A", {"a08", "a09", "a10", "a11"})},
      {"message A \"a1..a3@d\" \"x=y\" \"record\" \"\"", message("A", {"a1..a3@d", "x=y", "record", ""})},
      {"message B2 queue=deferred unannounced sender=\"\" created=-400 mode=0740 declared=7 record L=smtp:[h]:25 "
       "record A=trace_flags=256",
       odd},
      {"message C \"x y@d\" plain resolve plain transport=t1 nexthop=\"d 1\" resolve \"x y@d\" transport=t2 "
       "nexthop=\"\" recipient=z flags=bad-address+local+default+32",
       resolved},
      {"agent t1", Slot{"t1"}},
      {"hangup \"t 1\"", HangUp{"t 1"}},
      {"reply 1 done", Reply{1, 0, {}, true, std::nullopt}},
      {"reply 2 retry dsn=4.4.1 reason=\"connect to d: refused\"", Reply{2, -1, {"4.4.1", "connect to d: refused"}}},
      {"reply 3 done unmarked raw=\"a\\x00\\\"\\\\\\n\"", Reply{3, 0, {}, false, std::string("a\0\"\\\n", 5)}},
      {"reply 4 status=-7", Reply{4, -7}},
      {"crash 9", Crash{9}},
      {"advance 60", Advance{60}},
      {"jump 86400", Jump{86400}},
      {"jump -86400", Jump{-86400}},
      {"trigger \"F\\x00\"", TriggerInput{std::string("F\0", 2)}},
      {"trigger \"\"", TriggerInput{""}},
      {"bounce-log A", BounceLogAppears{"A"}},
      {"unlisten t1", Unlisten{"t1"}},
      {"relisten t1", Relisten{"t1"}},
      {"service-fails defer", ServiceFails{"defer"}},
      {"service-works flush", ServiceWorks{"flush"}},
      {"hold A", Hold{"A"}},
      {"release A", Release{"A"}},
      {"resolver-stalls", ResolverStalls{}},
      {"resolver-answers", ResolverAnswers{}},
      {"cut A", FileIsCut{"A"}},
  };
}

TEST(ScenarioText, EveryInputHasItsLine) {
  for (const Line& line : lines()) {
    EXPECT_EQ(show(line.input), line.text);
    const Result<Input> read = parse_input(line.text);
    ASSERT_TRUE(read.has_value()) << line.text << ": " << read.error().text;
    EXPECT_EQ(*read, line.input) << line.text;
  }
}

// Other spellings of the same.
TEST(ScenarioText, IsReadGenerously) {
  EXPECT_EQ(*parse_input("  message  A   sender=s a1..a2@d "), [] {
    NewMessage m = message("A", {"a1@d", "a2@d"});
    m.sender = "s";
    return Input{m};
  }());
  EXPECT_EQ(*parse_input("setup arguments -o x=y"), Input(blackbox::Setup{{}, {}, {}, false, {"-o", "x=y"}}));
  EXPECT_EQ(*parse_input("agent \"t1\""), Input(Slot{"t1"}));
}

struct Bad {
  const char* line;
  const char* why;  // part of the message
};

TEST(ScenarioText, BadLinesSayWhatIsWrong) {
  for (const Bad& bad : std::vector<Bad>{
           {"", "no input"},
           {"   ", "no input"},
           {"dance t1", "\"dance\" is no input"},
           {"\"agent\" t1", "is no input"},
           {"agent", "needs one word"},
           {"agent t1 t2", "needs one word"},
           {"agent x=y", "needs one word"},
           {"service-fails rewrite", "needs one of bounce, defer, trace, verify, flush"},
           {"service-works", "needs one of"},
           {"resolver-stalls rewrite", "stands alone"},
           {"resolver-answers x=1", "stands alone"},
           {"agent \"t1", "not closed"},
           {"agent \"t1\"x", "no space after a quote"},
           {"agent t\"1", "must stand in quotes"},
           {"agent t\t1", "\"\\x09\" must stand in quotes"},
           {"agent \"\\q\"", "in quotes must be one of"},
           {"agent \"\\x4\"", "in quotes must be one of"},
           {"agent \"\\", "in quotes must be one of"},
           {"message", "needs a name"},
           {"message a-b", "needs a name"},
           {"message A colour=red", "\"colour\" is no option"},
           {"message A mode=0888", "no octal number"},
           {"message A mode=", "no octal number"},
           {"message A mode=-1", "no octal number"},
           {"message A mode=0700 mode=0700", "given twice"},
           {"message A queue=active", "neither incoming nor deferred"},
           {"message A created=soon", "is no number from"},
           {"message A declared=99999999999999999999", "is no number from"},
           {"message A record", "needs LETTER=TEXT"},
           {"message A record LL=x", "needs LETTER=TEXT"},
           {"message A resolve", "needs an address"},
           {"message A resolve a resolve a", "resolved twice"},
           {"message A resolve a b", "recipients come before"},
           {"message A resolve a sender=b", "is no option"},
           {"message A resolve a flags=wrong", "is no sum"},
           {"message A resolve a flags=", "is no sum"},
           {"message A a1..a999999999@d", "more than 100000 recipients"},
           {"reply", "number of a request"},
           {"reply 0 done", "number of a request"},
           {"reply 1", "needs \"done\""},
           {"reply 1 maybe", "is none of"},
           {"reply 1 status=x", "is no number"},
           {"crash x", "number of a request"},
           {"crash 1 2", "number of a request"},
           {"advance 0", "from 1 to 1000000"},
           {"advance 1000001", "from 1 to 1000000"},
           {"jump -1000001", "number of seconds"},
           {"setup a=1 a=2", "given twice"},
       }) {
    const Result<Input> read = parse_input(bad.line);
    ASSERT_FALSE(read.has_value()) << bad.line;
    EXPECT_NE(read.error().text.find(bad.why), std::string::npos) << bad.line << ": " << read.error().text;
  }
}

TEST(ScenarioText, BadScenariosNameTheLine) {
  for (const Bad& bad : std::vector<Bad>{
           {"", "line 0: there is no setup"},
           {"# nothing\n", "line 1: there is no setup"},
           {"advance 1\n", "line 1: the first input must be the setup"},
           {"setup\nsetup\n", "line 2: there can be one setup only"},
           {"setup\n\n\nmessage A\n\nmessage A\n", "line 6: message A is there already"},
           {"----\n", "line 1: \"----\" does not follow an input"},
           {"setup\n----\n\n----\n", "line 4: \"----\" does not follow an input"},
           {"setup\nnonsense\n", "line 2: \"nonsense\" is no input"},
           {"setup\n# about nothing\n", "line 2: a comment belongs to no input"},
           {"=== \nsetup\n", "line 1: a title is missing"},
           {"=== a\n=== b\nsetup\n", "line 2: there is no setup"},
           {"=== a\nsetup\n\n=== b\nsetup\n", "there are 2 scenarios"},
       }) {
    const Result<Scenario> read = parse_scenario(bad.line);
    ASSERT_FALSE(read.has_value()) << bad.line;
    EXPECT_NE(read.error().text.find(bad.why), std::string::npos) << bad.line << ": " << read.error().text;
  }
  EXPECT_FALSE(parse_scenarios(std::string(kScenarioBytesMax + 1, '\n')).has_value());
}

// The short form makes much of few bytes.
TEST(ScenarioText, ShortFormsTakeNoMoreMemoryThanIsAllowed) {
  const std::string prefix(1000, 'x');
  const auto too_much = parse_input("message A " + prefix + "1.." + prefix + "90000@d");
  ASSERT_FALSE(too_much.has_value());
  EXPECT_NE(too_much.error().text.find("too much memory"), std::string::npos) << too_much.error().text;

  std::string file = "setup\n";
  const auto with_one_more = [&file](int number) {
    file += "\nmessage M" + std::to_string(number) + " a1..a90000\n";
    return parse_scenario(file);
  };
  int good = 0;
  Result<Scenario> last = with_one_more(0);
  for (; last && good < 10; last = with_one_more(++good)) {}
  EXPECT_EQ(good, 2);  // a message takes 90,000 times 37 to 38 bytes
  ASSERT_FALSE(last.has_value());
  EXPECT_EQ(last.error().text, "line 7: the recipients of this file take too much memory");
}

// Rows that have no short form cost no more time than others: as many as a line may have are shown at once.
TEST(ScenarioText, LongRowsWithoutShortFormAreShown) {
  NewMessage message{.name = "A"};
  for (int i = 1; i <= 50'000; ++i) message.recipients.push_back("x=" + std::to_string(i));
  const auto read = parse_input(show(Input{message}));
  ASSERT_TRUE(read.has_value()) << read.error().text;
  EXPECT_EQ(*read, Input{message});
}

TEST(ScenarioText, AScenarioIsReadBackAsItWas) {
  const std::string text =
      "=== First\n# What it is about.\n#  indented\n# rows: STR-09 PAR-043\n# for: oqmgr\n# departs: DV-12\nsetup "
      "t1\n----\nlog a b \n\n"
      "# why\n# so\nmessage A a@d1.t1\n----\nconnect t1 waiting 1\n+5 queue A active\n\nadvance 1\n\n"
      "=== Second\n# rows: STR-09\nsetup t1\n";
  const auto read = parse_scenarios(text);
  ASSERT_TRUE(read.has_value()) << read.error().text;
  ASSERT_EQ(read->size(), 2U);
  const Scenario& first = read->front();
  EXPECT_EQ(first.title, "First");
  EXPECT_EQ(first.about, (std::vector<std::string>{"What it is about.", " indented"}));
  EXPECT_EQ(first.requirements, (std::vector<std::string>{"STR-09", "PAR-043"}));
  EXPECT_EQ(first.personalities, std::vector<std::string>{"oqmgr"});
  EXPECT_EQ(first.divergences, std::vector<std::string>{"DV-12"});
  ASSERT_EQ(first.steps.size(), 3U);
  EXPECT_EQ(first.steps[0].expected, std::vector<std::string>{"log a b "});
  EXPECT_EQ(first.steps[1].comments, (std::vector<std::string>{"why", "so"}));
  EXPECT_EQ(first.steps[1].expected, (std::vector<std::string>{"connect t1 waiting 1", "+5 queue A active"}));
  EXPECT_EQ(show(*read), text);
  EXPECT_EQ(*parse_scenario(show(first)), first);
}

// --- anything at all --------------------------------------------------------------------------------------------

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : prng_(seed) {}

  std::string bytes() {
    static const std::string kLikely = "a1.@=\"\\ .#-x09";
    std::string text;
    for (int n = prng_.roll(12); n > 0; --n) {
      text += prng_.one_in(6) ? static_cast<char>(prng_.roll(256))
                              : kLikely[static_cast<std::size_t>(prng_.roll(static_cast<int>(kLikely.size())))];
    }
    return text;
  }
  // Numbered ones in rows among others.
  std::vector<std::string> list() {
    std::vector<std::string> all;
    for (int n = prng_.roll(4); n > 0; --n) {
      const std::string local = bytes();
      const std::string domain = prng_.one_in(3) ? bytes() : "@d1.t1";
      const int from = prng_.roll(120);
      const int rows = prng_.one_in(2) ? prng_.roll(30) : 0;
      for (int i = 0; i < rows; ++i)
        all.push_back(local + (prng_.one_in(9) ? "0" : "") + std::to_string(from + i) + domain);
      all.push_back(bytes());
    }
    return all;
  }
  std::string name() { return "M" + std::to_string(prng_.roll(1000)); }
  bool yes() { return prng_.one_in(2); }
  int roll(int sides) { return prng_.roll(sides); }

  Input input() {
    switch (roll(19)) {
      case 0: return setup();
      case 1: return new_message();
      case 2: return Slot{bytes()};
      case 3: return HangUp{bytes()};
      case 4: return reply();
      case 5: return Crash{1 + roll(1'000'000'000)};
      case 6: return Advance{1 + roll(1'000'000)};
      case 7: return Jump{roll(1'000'000'000) - 1'000'000};
      case 8: return TriggerInput{bytes()};
      case 9: return BounceLogAppears{bytes()};
      case 10: return Unlisten{bytes()};
      case 11: return ServiceFails{yes() ? "bounce" : "verify"};
      case 12: return ServiceWorks{yes() ? "defer" : "trace"};
      case 13: return FileIsCut{bytes()};
      case 14: return ResolverStalls{};
      case 15: return ResolverAnswers{};
      case 16: return Hold{bytes()};
      case 17: return Release{bytes()};
      default: return Relisten{bytes()};
    }
  }

 private:
  Input setup() {
    blackbox::Setup setup{{}, list(), list(), yes(), list()};
    for (int n = roll(4); n > 0; --n) setup.parameters[bytes()] = bytes();
    return setup;
  }
  Input new_message() {
    NewMessage m = message(name(), list());
    if (yes()) m.queue = Queue::deferred;
    m.wake = yes();
    if (yes()) m.sender = bytes();
    if (yes()) m.declared = roll(100) - 50;
    if (yes()) m.create_time = roll(100000) - 50000;
    if (yes()) m.mode = static_cast<unsigned>(roll(010000));
    for (int n = roll(3); n > 0; --n) m.records.emplace_back(static_cast<char>(roll(256)), bytes());
    for (int n = roll(3); n > 0; --n) {
      m.resolved[bytes()] = {bytes(), bytes(), bytes(), static_cast<unsigned>(roll(10000))};
    }
    return m;
  }
  Input reply() {
    Reply reply{1 + roll(1000), roll(4) - 2, {}, yes(), std::nullopt};
    if (yes()) reply.dsn = {bytes(), bytes()};
    if (yes()) reply.raw = bytes();
    return reply;
  }

  sim::Prng prng_;
};

TEST(ScenarioText, EveryInputSurvivesItsLine) {
  for (std::uint64_t seed = 0; seed < 30000; ++seed) {
    const Input input = Chance(seed).input();
    const std::string line = show(input);
    ASSERT_EQ(line.find_first_of("\n\r\0"), std::string::npos) << "seed " << seed;
    const Result<Input> read = parse_input(line);
    ASSERT_TRUE(read.has_value()) << "seed " << seed << ": " << line << ": " << read.error().text;
    ASSERT_EQ(*read, input) << "seed " << seed << ": " << line;
    ASSERT_EQ(show(*read), line) << "seed " << seed;
  }
}

// Whole words put together anyhow, and bytes changed anywhere.
TEST(ScenarioText, AnyBytesGiveAnAnswer) {
  static const std::vector<std::string> kWords = {
      "setup",    "message", "A",  "agent", "record", "L=",  "resolve", "=",
      "a1..a3@d", "----",    "\n", "\n\n",  "# ",     "===", "\"",      "reply 1"};
  int good = 0;
  for (std::uint64_t seed = 0; seed < 30000; ++seed) {
    Chance chance(seed);
    std::string text = chance.yes() ? show(chance.input()) : "setup t1\n";
    for (int n = chance.roll(12); n > 0; --n) {
      text += ' ' + kWords[static_cast<std::size_t>(chance.roll(static_cast<int>(kWords.size())))];
    }
    for (int n = chance.roll(3); n > 0; --n) {
      text[static_cast<std::size_t>(chance.roll(static_cast<int>(text.size())))] = static_cast<char>(chance.roll(256));
    }
    const auto read = parse_scenarios(text);
    if (!read) {
      ASSERT_FALSE(read.error().text.empty());
      continue;
    }
    good += 1;
    const auto again = parse_scenarios(show(*read));
    ASSERT_TRUE(again.has_value()) << "seed " << seed << ": " << again.error().text << '\n' << show(*read);
    ASSERT_EQ(*again, *read) << "seed " << seed;
  }
  EXPECT_GT(good, 500);
}

// --- observations -----------------------------------------------------------------------------------------------

TEST(Observations, EveryoneHasItsLine) {
  const std::vector<std::pair<const char*, Sight>> kLines = {
      {"log warning: a \\x07b", LogText{"warning: a \ab"}},
      {"allocate t1", Allocated{"t1"}},
      {"connect t1 waiting 2", Connected{"t1", 2}},
      {"close t1", Closed{"t1"}},
      {"request 1 A via t1 nexthop=d1 to a1..a3@d1.t1",
       Requested{1, "t1", "d1", "A", {"a1@d1.t1", "a2@d1.t1", "a3@d1.t1"}}},
      {"request 2 A via t1 nexthop=\"\" sender=\"\" flags=4099 to \"a b\"",
       Requested{2, "t1", "", "A", {"a b"}, 4099, ""}},
      {"report bounce 17 A attributes=x,y", Reported{"bounce", 17, "A", {}, {}, {}, {"x", "y"}}},
      {"report verify update recipient=a status=0 reason=\"b c\"",
       Reported{"verify", 0, "", "a", "0", "b c", {"request", "address", "recipient_status", "reason"}}},
      {"report flush add A recipient=d1", Reported{"flush", 0, "A", "d1", {}, {}, {"request", "site", "queue_id"}}},
      {"queue A deferred due 300", Moved{"A", "deferred", 300}},
      {"queue A gone", Moved{"A", "gone", {}}},
      {"exit -9", Exited{-9}},
      {"nothing-there connection to t1", no_connection("t1")},
      {"nothing-there request 4", no_request(4)},
      {"nothing-there message A", no_message("A")},
      {"misbehaved hangs\\n", Misbehaved{"hangs\n"}},
  };
  for (const auto& [line, sight] : kLines) EXPECT_EQ(show(Observation{0, sight}), line);
}

TEST(Observations, HaveOneOrderWhateverTheChannelsSaidFirst) {
  const std::vector<Observation> kOrdered = {
      {1, LogText{"b"}},
      {1, LogText{"a"}},
      {1, Allocated{"t2"}},
      {1, Allocated{"t1"}},
      {1, Connected{"a", 1}},
      {1, Connected{"b", 1}},
      {1, Closed{"a"}},
      {1, Requested{9, "t", "d", "Z", {}}},
      {1, Requested{10, "t", "d", "A", {}}},
      {1, Moved{"A", "gone", {}}},
      {1, Moved{"B", "active", {}}},
      {1, Exited{0}},
      {2, LogText{"a"}},
  };
  sim::Prng prng(1);
  for (int run = 0; run < 200; ++run) {
    std::vector<Observation> shuffled;
    std::vector<Observation> left = kOrdered;
    while (!left.empty()) {
      auto at = static_cast<std::size_t>(prng.roll(static_cast<int>(left.size())));
      // Log and allocate lines keep theirs.
      const auto kind = left[at].sight.index();
      for (std::size_t i = 0; kind < 2 && i < at; ++i) {
        if (left[i].sight.index() == kind) at = i;
      }
      shuffled.push_back(left[at]);
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(at));
    }
    ASSERT_EQ(canonical(std::move(shuffled)), kOrdered);
  }
}

TEST(Observations, AreTimedFromTheInputOn) {
  EXPECT_EQ(expected_lines({{100, Allocated{"t"}}, {105, Moved{"A", "deferred", 400}}}, 100),
            (std::vector<std::string>{"allocate t", "+5 queue A deferred due 400"}));
}

}  // namespace
}  // namespace weir::blackbox
