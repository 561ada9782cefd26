#include "blackbox/process.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "blackbox/scenario.hpp"
#include "blackbox/subjects.hpp"

namespace weir::testing {
namespace {

using namespace blackbox;
using Lines = std::vector<std::string>;
using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

NewMessage message(std::string name, std::vector<std::string> recipients) {
  NewMessage made;
  made.name = std::move(name);
  made.recipients = std::move(recipients);
  return made;
}

// One process, its observations as lines without times.
class Watched {
 public:
  explicit Watched(SubjectOptions options) : process_(std::make_unique<Process>(std::move(options))) {}

  Lines operator()(const Input& input) {
    const Lines lines = expected_lines(process_->apply(input), now_);
    if (const auto* advance = std::get_if<Advance>(&input)) now_ += advance->seconds;
    if (const auto* jump = std::get_if<Jump>(&input)) now_ = second_after(*jump, now_);
    return lines;
  }
  Lines start(std::map<std::string, std::string> parameters = {}) {
    blackbox::Setup setup;
    setup.transports = {"t1", "t2", "retry"};
    setup.parameters = std::move(parameters);
    return (*this)(setup);
  }
  void end() { process_.reset(); }
  [[nodiscard]] const Lines& log() const { return process_->whole_log(); }

 private:
  std::unique_ptr<Process> process_;
  std::int64_t now_ = 0;
};

// --- queue managers --------------------------------------------------------------------------------------

class QueueManagers : public ::testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    options_ = subject(GetParam());
    if (const std::string reason = why_not(options_); !reason.empty()) GTEST_SKIP() << reason;
  }
  SubjectOptions options_;
};

TEST_P(QueueManagers, StartAndEndAndLeaveNothing) {
  Watched process(options_);
  EXPECT_EQ(process.start(), Lines{});
  EXPECT_TRUE(std::filesystem::exists(options_.scratch));
  process.end();
  EXPECT_FALSE(std::filesystem::exists(options_.scratch));
}

TEST_P(QueueManagers, DeliverAMessage) {
  Watched process(options_);
  process.start();
  EXPECT_EQ(process(message("A", {"a@d1.t1", "b@d1.t1"})), (Lines{"connect t1 waiting 1", "queue A active"}));
  EXPECT_EQ(process(Slot{"t1"}), (Lines{"request 1 A via t1 nexthop=d1 to a@d1.t1 b@d1.t1"}));
  EXPECT_EQ(process(Reply{.request = 1}), (Lines{"queue A gone"}));
  EXPECT_EQ(process(Reply{.request = 1}), (Lines{"nothing-there request 1"}));
  EXPECT_EQ(process(Slot{"t1"}), (Lines{"nothing-there connection to t1"}));
  EXPECT_EQ(process(message("A", {"a@d1.t1"})), (Lines{"nothing-there a free name A"}));
}

TEST_P(QueueManagers, WaitVirtualMinutesInNoTime) {
  Watched process(options_);
  const auto began = Clock::now();
  process.start({{"minimal_backoff_time", "300s"}, {"queue_run_delay", "300s"}});
  process(message("A", {"a@d1.t1"}));
  process(Slot{"t1"});
  EXPECT_EQ(process(Reply{.request = 1, .status = -1}), (Lines{"queue A deferred due 300"}));
  EXPECT_EQ(process(Advance{299}), Lines{});
  EXPECT_EQ(process(Advance{2}), (Lines{"+1 connect t1 waiting 1", "+1 queue A active"}));
  process(Slot{"t1"});
  EXPECT_EQ(process(Reply{.request = 2}), (Lines{"queue A gone"}));
  EXPECT_EQ(process(Advance{86400}), Lines{});
  EXPECT_LT(Clock::now() - began, seconds(2));
}

TEST_P(QueueManagers, ReportToServices) {
  Watched process(options_);
  process.start();
  NewMessage first = message("A", {"a@d1.t1"});
  process(first);
  process(Slot{"t1"});
  EXPECT_EQ(process(BounceLogAppears{"A"}), Lines{});
  const Lines seen = process(Reply{.request = 1});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0], "report bounce flush A");
  EXPECT_EQ(seen[1], "queue A gone");
  EXPECT_EQ(process(BounceLogAppears{"A"}), (Lines{"nothing-there message A"}));
  EXPECT_EQ(process(FileIsCut{"A"}), (Lines{"nothing-there message A"}));
}

TEST_P(QueueManagers, SocketsGoAndComeBack) {
  Watched process(options_);
  process.start();
  process(Unlisten{"t2"});
  const Lines seen = process(message("A", {"a@d1.t2"}));
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen[0].substr(0, 51), "log warning: connect to transport private/t2: No su");
  process(Relisten{"t2"});
  EXPECT_EQ(process(Advance{60}).size(), 0U);
  EXPECT_EQ(process(message("B", {"b@d1.t2"})).size(), 2U);  // and the transport is alive again
}

TEST_P(QueueManagers, HaveHashedQueuesIfTheyAreToldTo) {
  Watched process(options_);
  process.start({{"hash_queue_names", "deferred, incoming"}, {"minimal_backoff_time", "300s"}});
  EXPECT_EQ(process(message("A", {"a@d1.t1"})), (Lines{"connect t1 waiting 1", "queue A active"}));
  process(Slot{"t1"});
  EXPECT_EQ(process(Reply{.request = 1, .status = -1}), (Lines{"queue A deferred due 300"}));
}

// One random story, with everything that can be done to a process.
Lines story(const SubjectOptions& options, std::uint32_t seed) {
  Watched process(options);
  Lines all = process.start({{"default_destination_recipient_limit", "2"}, {"qmgr_message_active_limit", "5"}});
  std::uint32_t state = seed;
  const auto dice = [&](std::uint32_t sides) { return (state = state * 1664525U + 1013904223U) / 65536U % sides; };
  for (int i = 0; i < 150; ++i) {
    const std::string transport = dice(3) == 0 ? "t2" : "t1";
    const int request = static_cast<int>(dice(30)) + 1;
    Input input = Slot{transport};
    switch (dice(8)) {
      case 0:
      case 1:
        input =
            message("M" + std::to_string(i), {"a@d1.t1", "b@d" + std::to_string(dice(4)) + '.' + transport, "c@d2.t2"});
        break;
      case 2: input = Reply{.request = request}; break;
      case 3: input = Reply{.request = request, .status = -1, .dsn = {"4.4.1", "refused"}}; break;
      case 4: input = Advance{static_cast<std::int64_t>(dice(200))}; break;
      case 5: input = dice(2) == 0 ? Input{HangUp{transport}} : Input{Crash{request}}; break;
      default: break;
    }
    for (const std::string& line : process(input)) all.push_back(std::to_string(i) + ' ' + line);
  }
  return all;
}

TEST_P(QueueManagers, DoTheSameTwice) {
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    const Lines first = story(options_, seed);
    EXPECT_GT(first.size(), 100U);
    EXPECT_EQ(story(subject(GetParam()), seed), first);
  }
}

bool is_alive(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string number, name, state;
  return (file >> number >> name >> state) && state != "Z" && state != "X";
}

// The number between the brackets of a log line.
int pid_of(const Lines& log) {
  for (const std::string& line : log) {
    if (const auto at = line.find('['); at != std::string::npos) return std::atoi(line.c_str() + at + 1);
  }
  return 0;
}

// A privileged start and a change of user make no difference.
TEST_P(QueueManagers, DieWithTheirWatcher) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t watcher = fork();
  if (watcher == 0) {
    Process process(options_);
    blackbox::Setup setup;
    setup.show_allocate = true;  // it logs, with its number
    (void)process.apply(setup);
    const int pid = pid_of(process.whole_log());
    if (write(ends[1], &pid, sizeof pid) < 0) _exit(1);
    for (;;) pause();
  }
  int pid = 0;
  ASSERT_EQ(read(ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  ASSERT_GT(pid, 0);
  EXPECT_TRUE(is_alive(pid));
  kill(watcher, SIGKILL);
  waitpid(watcher, nullptr, 0);
  const auto deadline = Clock::now() + seconds(5);
  while (is_alive(pid) && Clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(is_alive(pid));
  close(ends[0]), close(ends[1]);
  std::filesystem::remove_all(options_.scratch);
}

std::string program_name(const ::testing::TestParamInfo<std::filesystem::path>& info) {
  const std::string name = info.param.filename().string();
  return (info.param == own(name) ? "own_" : "debian_") + name;
}

INSTANTIATE_TEST_SUITE_P(All, QueueManagers,
                         ::testing::Values(own("qmgr"), own("oqmgr"), debian("qmgr"), debian("oqmgr")), program_name);

TEST(OwnDaemon, TakesArguments) {
  SubjectOptions options = subject(own("qmgr"));
  options.arguments = {"-o", "weir_brain=model"};
  if (const std::string reason = why_not(options); !reason.empty()) GTEST_SKIP() << reason;
  Watched process(options);
  EXPECT_EQ(process.start(), Lines{});
  EXPECT_EQ(process(message("A", {"a@d1.t1"})).size(), 2U);
  options = subject(own("qmgr"));
  options.arguments = {"-o", "weir_brain=nonsense"};
  Watched other(options);
  const Lines seen = other.start();
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back(), "exit 1");
}

// --- programs that are none ------------------------------------------------------------------------------

SubjectOptions misfit(const std::string& habit) {
  SubjectOptions options = subject(WEIR_MISFIT);
  options.arguments = {habit};
  options.patience = seconds(1);
  return options;
}

struct Habit {
  std::string name;
  Lines seen;  // at the start
};
void PrintTo(const Habit& habit, std::ostream* out) { *out << habit.name; }

class Misfits : public ::testing::TestWithParam<Habit> {
 protected:
  void SetUp() override {
    if (const std::string reason = why_not(subject(WEIR_MISFIT)); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_P(Misfits, AreSeenAndOver) {
  SubjectOptions options = misfit(GetParam().name);
  options.log_lines_max = 1000;
  options.disk_max = 8U << 20U;
  Watched process(options);
  const auto began = Clock::now();
  EXPECT_EQ(process.start(), GetParam().seen);
  EXPECT_EQ(process(Advance{5}), Lines{}) << "there is nothing more to be seen";
  EXPECT_EQ(process(message("A", {"a@d1.t1"})), Lines{});
  EXPECT_FALSE(std::filesystem::exists(options.scratch));
  EXPECT_LT(Clock::now() - began, seconds(4));
}

Lines flooded() {
  Lines lines(1000, "log and again");
  lines.emplace_back("misbehaved logs more than 1000 lines");
  return lines;
}

std::string habit_name(const ::testing::TestParamInfo<Habit>& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    All, Misfits,
    ::testing::Values(Habit{"exit", {"exit 3"}}, Habit{"abort", {"exit -6"}},
                      Habit{"fatal", {"log fatal: no more", "exit 1"}}, Habit{"spin", {"misbehaved never rests"}},
                      Habit{"block", {"misbehaved never rests"}}, Habit{"flood", flooded()},
                      Habit{"fork", {"misbehaved forks or starts a thread"}},
                      Habit{"thread", {"misbehaved forks or starts a thread"}},
                      Habit{"fill", {"misbehaved fills the disk"}}, Habit{"large", {"misbehaved fills the disk"}},
                      Habit{"nonsense-to-bounce", {"misbehaved makes a malformed request to bounce: nrequest=7"}},
                      Habit{"nonsense-to-resolver", {"misbehaved makes a malformed request to rewrite: request=dance"}},
                      Habit{"half-to-resolver", {"misbehaved breaks off in the middle of a request to rewrite"}},
                      Habit{"nonsense-to-master",
                            {"misbehaved tells master what is no status record of its own: nonsense, master"}},
                      Habit{"call-out", {"misbehaved connects to 127.0.0.1"}},
                      Habit{"timer", {"misbehaved waits with timer_create, which the virtual clock does not cover"}}),
    habit_name);

class Misfit : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = why_not(subject(WEIR_MISFIT)); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_F(Misfit, NonsenseToAnAgentIsSeen) {
  Watched process(misfit("nonsense-to-agent"));
  EXPECT_EQ(process.start(), (Lines{"connect t1 waiting 1"}));
  const Lines seen = process(Slot{"t1"});
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].substr(0, 44), "misbehaved makes a malformed request to t1: ");
}

TEST_F(Misfit, ARequestForAFileThatIsNotThereIsSeen) {
  Watched process(misfit("other-file-to-agent"));
  EXPECT_EQ(process.start(), (Lines{"connect t1 waiting 1"}));
  const Lines seen = process(Slot{"t1"});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0], "request 1 ABC via t1 nexthop=d1 sender=\"\" to a@d1.t1");
  EXPECT_EQ(seen[1], "misbehaved names a file or a content that is not there, in request 1");
}

TEST_F(Misfit, HalfARequestToAnAgentIsSeen) {
  Watched process(misfit("half-to-agent"));
  EXPECT_EQ(process.start(), (Lines{"connect t1 waiting 1"}));
  EXPECT_EQ(process(Slot{"t1"}), (Lines{"misbehaved breaks off in the middle of a request to t1"}));
}

TEST_F(Misfit, EveryWaitEndsByTheVirtualClock) {
  Watched process(misfit("waits"));
  EXPECT_EQ(process.start(), Lines{});
  const auto began = Clock::now();
  EXPECT_EQ(process(Advance{30}),
            (Lines{"+2 log poll 2", "+4 log ppoll 4", "+6 log select 6", "+8 log pselect 8", "+10 log epoll_wait 10",
                   "+12 log epoll_pwait 12", "+14 log epoll_pwait2 14", "+16 log nanosleep 16",
                   "+18 log clock_nanosleep 18", "+20 log sleep 20", "+22 log usleep 22", "+24 log timerfd 24",
                   "+26 log until 26", "+26 log less than a second 26"}));
  EXPECT_LT(Clock::now() - began, seconds(1));
}

TEST_F(Misfit, WhoBlocksInAReadRests) {
  Watched process(misfit("read"));
  EXPECT_EQ(process.start(), (Lines{"log reading"}));
  EXPECT_EQ(process(Advance{100}), Lines{});
}

TEST_F(Misfit, DirectoriesAreInOrder) {
  Watched process(misfit("names"));
  EXPECT_EQ(process.start(), (Lines{"log names . .. 10 9 B a b c k m z, first ."}));
}

TEST_F(Misfit, TimeStampsAreVirtual) {
  Watched process(misfit("stamp"));
  EXPECT_EQ(process.start(), (Lines{"log [mail/other] stamp 0"}));
}

TEST_F(Misfit, AProgramWithoutTheClockIsSeen) {
  SubjectOptions options = misfit("rest");
  options.preload = "/dev/null";
  Watched process(options);
  EXPECT_EQ(process.start(), (Lines{"log here", "misbehaved does not load the library with the virtual clock"}));
}

TEST_F(Misfit, AProgramThatIsNotThereIsSeen) {
  SubjectOptions options = misfit("rest");
  options.program = "/nowhere/qmgr";
  EXPECT_EQ(why_not(options), "there is no program /nowhere/qmgr");
  Watched process(options);
  EXPECT_EQ(process.start(), (Lines{"misbehaved cannot be started"}));
}

TEST_F(Misfit, AScratchFolderIsNobodyElses) {
  const SubjectOptions options = misfit("rest");
  std::filesystem::create_directory(options.scratch);
  Watched process(options);
  const Lines seen = process.start();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].substr(0, 29), "misbehaved cannot be started:");
  process.end();
  EXPECT_TRUE(std::filesystem::remove(options.scratch)) << "it was there before";
}

TEST_F(Misfit, WhatIsMissingIsNamed) {
  SubjectOptions options = misfit("rest");
  options.mail_owner = "no-such-account";
  EXPECT_EQ(why_not(options), "there is no account no-such-account");
  options.preload = "/nowhere/clock.so";
  EXPECT_EQ(why_not(options), "there is no library /nowhere/clock.so");
}

TEST_F(Misfit, NothingHappensBeforeTheSetupOrAtASecondOne) {
  Watched process(misfit("rest"));
  EXPECT_EQ(process(Slot{"t1"}), Lines{});
  EXPECT_EQ(process.start(), (Lines{"log here"}));
  EXPECT_EQ(process.start(), Lines{});
  ASSERT_EQ(process.log().size(), 1U);
  EXPECT_NE(process.log()[0].find("misfit["), std::string::npos);
}

}  // namespace
}  // namespace weir::testing
