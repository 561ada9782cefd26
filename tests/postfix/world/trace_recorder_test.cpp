// The recorder: what reaches the file, and that nothing that befalls the file befalls decisions.
#include "postfix/trace_recorder.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>

#include <csignal>
#include <memory>
#include <sstream>
#include <variant>

#include "support.hpp"
#include "trace/reader/read.hpp"

namespace weir::postfix {
namespace {

namespace fs = std::filesystem;
using testing::MemoryLog;
using testing::ScratchQueue;
using Warnings = std::vector<std::string>;

// Says one thing after each event, and remembers how many there were.
class Parrot final : public Brain {
 public:
  void handle(Time, const Event&, std::vector<Command>& out) override {
    out.push_back(RequestAgent{AgentId{++count}, "smtp"});
  }
  [[nodiscard]] std::optional<Seconds> next_deadline() const override { return Seconds{7}; }
  [[nodiscard]] bool wants_tick() const override { return false; }
  [[nodiscard]] bool wants_turn() const override { return count == 2; }
  std::uint64_t count = 0;
};

std::string contents(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<TraceLine> lines_of(const std::string& path) {
  std::istringstream in{contents(path)};
  trace::Lines lines{in};
  std::vector<TraceLine> all;
  while (auto line = lines.next()) {
    EXPECT_TRUE(line->content) << line->number << ' ' << line->content.error().text;
    if (line->content) all.push_back(*line->content);
  }
  return all;
}

std::size_t steps_in(const std::vector<TraceLine>& lines) {
  std::size_t count = 0;
  for (const TraceLine& line : lines) count += std::holds_alternative<TraceStep>(line) ? 1U : 0U;
  return count;
}

class TraceRecorderTest : public ::testing::Test {
 protected:
  std::unique_ptr<TraceRecorder> make(const std::string& path, std::int64_t limit = 1'000'000, bool hashed = false) {
    auto parrot = std::make_unique<Parrot>();
    parrot_ = parrot.get();
    return std::make_unique<TraceRecorder>(std::move(parrot), log_, TraceRecorder::Settings{path, limit, hashed},
                                           TraceHeader{.personality = "qmgr", .brain = "model"});
  }
  // What the brain said, whatever was in `out` before.
  std::size_t turn(TraceRecorder& recorder, const Event& event = Turn{}) {
    std::vector<Command> out = {Forget{MessageId{9}}};
    recorder.handle(Time{Micros{5}}, event, out);
    return out.size() - 1;
  }

  ScratchQueue queue_;
  MemoryLog log_;
  Parrot* parrot_ = nullptr;
};

TEST_F(TraceRecorderTest, EventsCommandsAndWishesReachTheFile) {
  auto recorder = make("run");
  EXPECT_EQ(turn(*recorder, Started{}), 1U);
  EXPECT_EQ(contents("run"), "");  // not before the round is over
  EXPECT_EQ(turn(*recorder), 1U);
  EXPECT_EQ(steps_in(lines_of("run")), 2U);
  EXPECT_EQ(turn(*recorder, Triggered{"I"}), 1U);
  recorder->finish();
  const auto lines = lines_of("run");
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(std::get<TraceHeader>(lines[0]).addresses, "plain");
  const TraceStep wanted{Time{Micros{5}}, Turn{}, {RequestAgent{AgentId{2}, "smtp"}}, Seconds{7}, true};
  EXPECT_EQ(std::get<TraceStep>(lines[2]), wanted);
  EXPECT_EQ(std::get<TraceEnd>(lines[4]).reason, "exit");
  EXPECT_EQ(turn(*recorder), 1U);
  EXPECT_EQ(lines_of("run").size(), 5U);
  EXPECT_EQ(log_.take(), Warnings{});
  struct stat status {};
  ASSERT_EQ(stat("run", &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(TraceRecorderTest, AddressesAreReplacedUnlessAskedOtherwise) {
  auto recorder = make("run", 1'000'000, true);
  const Recipient jane{.offset = 1, .address = "jane@example.com", .original = "", .dsn_orcpt = "", .notify = 0};
  (void)turn(*recorder, RecipientsRead{MessageId{1}, Batch{{jane}, false, 0}});
  recorder->finish();
  EXPECT_EQ(contents("run").find("jane"), std::string::npos);
  EXPECT_EQ(std::get<TraceHeader>(lines_of("run").at(0)).addresses, "hashed");
}

TEST_F(TraceRecorderTest, TheNextRunIsAddedAndAnUnfinishedLineClosed) {
  make("run")->finish();
  { std::ofstream("run", std::ios::app) << "{\"at\":"; }
  make("run")->finish();
  std::istringstream in{contents("run")};
  trace::Lines lines{in};
  int good = 0, bad = 0;
  while (auto line = lines.next()) ++(line->content ? good : bad);
  EXPECT_EQ(good, 4);
  EXPECT_EQ(bad, 1);
}

TEST_F(TraceRecorderTest, AtTheLimitThereIsOneWarningAndAnEnd) {
  auto recorder = make("run", 6000);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(turn(*recorder), 1U);
  EXPECT_EQ(log_.take(), Warnings{"warning: trace run: nothing more is recorded: it has reached its limit"});
  EXPECT_EQ(parrot_->count, 1000U);
  const auto lines = lines_of("run");
  EXPECT_GT(steps_in(lines), 10U);
  EXPECT_EQ(std::get<TraceEnd>(lines.back()).reason, "limit");
  EXPECT_LE(fs::file_size("run"), 6000U);

  auto next = make("run", 6000);  // the limit is that of the file
  EXPECT_EQ(turn(*next), 1U);
  EXPECT_EQ(log_.take().size(), 1U);
  EXPECT_LE(fs::file_size("run"), 6000U);
}

TEST_F(TraceRecorderTest, WhereNothingCanBeWrittenThereIsOneWarning) {
  fs::create_symlink("elsewhere", "link");
  ASSERT_EQ(mkfifo("pipe", 0600), 0);
  const std::vector<std::pair<std::string, std::string>> rows = {{"nowhere/run", "No such file or directory"},
                                                                 {"link", "Too many levels of symbolic links"},
                                                                 {"private", "Is a directory"},
                                                                 {"pipe", "not a regular file"},
                                                                 {"/dev/null", "not a regular file"}};
  for (const auto& [path, reason] : rows) {
    auto recorder = make(path);
    EXPECT_EQ(turn(*recorder), 1U);
    EXPECT_EQ(turn(*recorder), 1U);
    EXPECT_EQ(log_.take(), Warnings{"warning: trace " + path + ": nothing more is recorded: " + reason});
  }
  EXPECT_FALSE(fs::exists("elsewhere"));
}

TEST_F(TraceRecorderTest, AFullDiskEndsTheRecordNotTheProcess) {
  std::signal(SIGXFSZ, SIG_IGN);  // as the daemon does
  auto recorder = make("run");
  (void)turn(*recorder);
  const auto whole = fs::file_size("run");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = whole + 10;  // a part of a line
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const std::size_t said = turn(*recorder);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(said, 1U);
  EXPECT_EQ(log_.take(), Warnings{"warning: trace run: nothing more is recorded: File too large"});
  EXPECT_EQ(fs::file_size("run"), whole);  // whole lines only
}

TEST_F(TraceRecorderTest, WaitsForAnotherProcessAndThenWritesAll) {
  const int other = open("run", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
  auto recorder = make("run");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(turn(*recorder), 1U);
  EXPECT_EQ(fs::file_size("run"), 0U);
  close(other);
  (void)turn(*recorder);
  EXPECT_EQ(steps_in(lines_of("run")), 6U);
  EXPECT_EQ(log_.take(), Warnings{});
}

TEST_F(TraceRecorderTest, DoesNotWaitForAnotherProcessWithoutBound) {
  const int other = open("run", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
  auto recorder = make("run", std::int64_t{1} << 40);
  const std::string bytes(1 << 20, 'x');
  for (int i = 0; i < 40; ++i) EXPECT_EQ(turn(*recorder, Triggered{bytes}), 1U);
  close(other);
  EXPECT_EQ(log_.take(), Warnings{"warning: trace run: nothing more is recorded: another process records there"});
}

TEST_F(TraceRecorderTest, AnAddressThatCannotBeReplacedEndsTheRecord) {
  auto parrot = std::make_unique<Parrot>();
  TraceHeader header{.personality = "qmgr", .brain = "model"};
  header.config.recipient_delimiter = "a";
  TraceRecorder recorder(std::move(parrot), log_, {"run", 1'000'000, true}, header);
  (void)turn(recorder);
  const Recipient jane{.offset = 1, .address = "jane@example.com", .original = "", .dsn_orcpt = "", .notify = 0};
  EXPECT_EQ(turn(recorder, RecipientsRead{MessageId{1}, Batch{{jane}, false, 0}}), 1U);
  EXPECT_EQ(log_.take().size(), 1U);
  const auto lines = lines_of("run");
  EXPECT_EQ(steps_in(lines), 1U);
  EXPECT_EQ(std::get<TraceEnd>(lines.back()).reason, "an address cannot be replaced");
}

}  // namespace
}  // namespace weir::postfix
