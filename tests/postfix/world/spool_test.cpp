// The spool: what each command does to the files, and what each kind of trouble costs.
#include "postfix/spool.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <variant>
#include <vector>

#include "postfix/clock.hpp"
#include "postfix/world/queue_files.hpp"
#include "postfix/world/support.hpp"

namespace weir::postfix {
namespace {

using testing::mode_of;
using testing::mtime_of;
using testing::QueueFile;
using testing::read_file;
using testing::ScratchQueue;
using testing::write_file;
namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

constexpr MessageId kId{1};
constexpr const char* kName = "AB12CD34";

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() { remake(); }
  void remake() { spool_.emplace(loop_, voice_, settings_); }

  static QueueFile two_recipients() {
    QueueFile file;
    file.recipients = {"a@x.example", "b@y.example"};
    return file;
  }
  Event admit(Queue from = Queue::incoming, std::int64_t at_most = 100, bool flush = false, bool expire = false) {
    return spool_->admit(Admit{kId, from, kName, flush, expire, at_most});
  }
  // Puts a message into memory and forgets what was logged.
  Admitted admitted(const QueueFile& file = two_recipients(), std::int64_t at_most = 100) {
    write_file(std::string("incoming/") + kName, file.bytes());
    const Event event = admit(Queue::incoming, at_most);
    EXPECT_TRUE(std::holds_alternative<Admitted>(event)) << (log_.lines.empty() ? "" : log_.lines.back());
    log_.take();
    const auto* good = std::get_if<Admitted>(&event);
    return good == nullptr ? Admitted{} : *good;
  }
  static AdmitProblem problem(const Event& event) {
    const auto* failed = std::get_if<AdmitFailed>(&event);
    EXPECT_NE(failed, nullptr);
    return failed == nullptr ? AdmitProblem{} : failed->problem;
  }
  static std::string active() { return std::string("active/") + kName; }

  ScratchQueue queue_;
  Loop loop_;
  testing::MemoryLog log_;
  codec::ProcessSettings settings_ = testing::test_settings();
  Voice voice_{log_, settings_};
  std::optional<Spool> spool_;
};

// --- Admit -------------------------------------------------------------------------------------------

//= R-QUE-02 test
TEST_F(SpoolTest, AdmitMovesReadsAndClosesTheFile) {
  write_file("incoming/AB12CD34", two_recipients().bytes());
  const Event event = admit();
  const auto* good = std::get_if<Admitted>(&event);
  ASSERT_NE(good, nullptr);
  EXPECT_EQ(good->message, kId);
  EXPECT_EQ(good->envelope.sender, "sender@test.example");
  EXPECT_EQ(good->envelope.create_time, Seconds{1'000'000'000});
  ASSERT_EQ(good->batch.recipients.size(), 2U);
  EXPECT_EQ(good->batch.recipients[1].address, "b@y.example");
  EXPECT_FALSE(good->batch.more);
  EXPECT_FALSE(good->defer_log);
  EXPECT_FALSE(fs::exists("incoming/AB12CD34"));
  EXPECT_TRUE(fs::exists(active()));
  EXPECT_EQ(log_.take(), Lines{"AB12CD34: from=<sender@test.example>, size=21, nrcpt=2 (queue active)"});
  const int fd = open(active().c_str(), O_RDONLY);  // no lock is left
  EXPECT_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
  close(fd);
  ASSERT_TRUE(spool_->find(kId));
  EXPECT_EQ(spool_->find(kId)->queue_id, kName);
}

TEST_F(SpoolTest, AdmitFromAHashedQueueAndIntoOne) {
  settings_.hash_queue_names = {"active", "deferred"};
  remake();
  fs::create_directory("deferred/A");
  write_file("deferred/A/AB12CD34", two_recipients().bytes());
  EXPECT_TRUE(std::holds_alternative<Admitted>(admit(Queue::deferred)));
  EXPECT_TRUE(fs::exists("active/A/AB12CD34"));
  EXPECT_EQ(mode_of("active/A"), 0700U);
}

TEST_F(SpoolTest, EntryThatVanishedBeforeTheMoveWasNeverOurs) {
  EXPECT_EQ(problem(admit()), AdmitProblem::not_moved);
  EXPECT_EQ(log_.take(), Lines{"warning: qmgr_active_feed: AB12CD34: rename from incoming to active: No such file or "
                               "directory"});
  EXPECT_FALSE(spool_->find(kId));
}

TEST_F(SpoolTest, LockedFileIsLeftToItsHolder) {
  write_file("deferred/AB12CD34", two_recipients().bytes());
  fs::create_directory("deferred/A");
  fs::rename("deferred/AB12CD34", "deferred/A/AB12CD34");
  const int fd = open("deferred/A/AB12CD34", O_RDONLY);
  ASSERT_EQ(flock(fd, LOCK_SH), 0);
  EXPECT_EQ(problem(admit(Queue::deferred)), AdmitProblem::locked);
  EXPECT_TRUE(fs::exists(active()));
  spool_->cool_down(kId, Seconds{2'000'000'060});
  EXPECT_EQ(mtime_of("incoming/AB12CD34"), 2'000'000'060);
  EXPECT_FALSE(spool_->find(kId));
  EXPECT_TRUE(log_.lines.empty());
  close(fd);
}

//= R-QUE-06 test
//= R-DIA-03 test
TEST_F(SpoolTest, DamagedFileGoesToCorrupt) {
  write_file("incoming/AB12CD34", two_recipients().bytes().substr(0, 200));
  EXPECT_EQ(problem(admit()), AdmitProblem::corrupt);
  log_.take();
  spool_->mark_corrupt(kId);
  EXPECT_TRUE(fs::exists("corrupt/AB12CD34"));
  EXPECT_EQ(log_.take(), Lines{"warning: saving corrupt file \"AB12CD34\" from queue \"active\" to queue \"corrupt\""});
  EXPECT_FALSE(spool_->find(kId));
}

TEST_F(SpoolTest, OqmgrDoesNotCompareCounts) {
  const std::string beginning = two_recipients().bytes().substr(0, 97);  // the size record alone
  const Lines without = {"warning: AB12CD34: message rejected: missing end record"};
  const Lines with = {without[0], "warning: AB12CD34: rcpt count mismatch (2)"};
  for (const char* personality : {"qmgr", "nqmgr", "nqmgr-2003", "oqmgr"}) {
    settings_.weir_personality = personality;
    remake();
    write_file(std::string("incoming/") + kName, beginning);
    EXPECT_EQ(problem(admit()), AdmitProblem::corrupt);
    EXPECT_EQ(log_.take(), settings_.weir_personality == "oqmgr" ? without : with) << personality;
  }
}

TEST_F(SpoolTest, EmptyFileIsCorruptToo) {
  write_file("incoming/AB12CD34", "");
  EXPECT_EQ(problem(admit()), AdmitProblem::corrupt);
  EXPECT_EQ(log_.take(), Lines{"warning: AB12CD34: message rejected: missing end record"});
}

TEST_F(SpoolTest, SymbolicLinkPutInPlaceOfTheFileIsNotFollowed) {
  write_file("elsewhere", two_recipients().bytes());
  fs::create_symlink("../elsewhere", "incoming/AB12CD34");
  EXPECT_EQ(problem(admit()), AdmitProblem::corrupt);
  spool_->mark_corrupt(kId);
  EXPECT_TRUE(fs::is_symlink("corrupt/AB12CD34"));
}

TEST_F(SpoolTest, FlushRequestIsDroppedAfterAGoodReadOnly) {
  write_file("incoming/AB12CD34", two_recipients().bytes(), 0741);
  EXPECT_TRUE(std::holds_alternative<Admitted>(admit(Queue::incoming, 100, true)));
  EXPECT_EQ(mode_of(active()), 0701U);
  spool_->forget(kId);
  write_file("incoming/AB12CD34", "", 0740);
  EXPECT_EQ(problem(admit(Queue::incoming, 100, true)), AdmitProblem::corrupt);
  EXPECT_EQ(mode_of(active()), 0740U);
}

TEST_F(SpoolTest, ExpireRequestLooksAtTheDeferLog) {
  fs::create_directory("defer/A");
  write_file("incoming/AB12CD34", two_recipients().bytes(), 0710);
  const auto log_seen = [&](bool expire) {
    const Event event = admit(Queue::incoming, 100, false, expire);
    const auto* good = std::get_if<Admitted>(&event);
    EXPECT_NE(good, nullptr);
    fs::rename(active(), "incoming/AB12CD34");
    return good != nullptr && good->defer_log;
  };
  EXPECT_FALSE(log_seen(true));
  write_file("defer/A/AB12CD34", "");
  EXPECT_FALSE(log_seen(true));
  write_file("defer/A/AB12CD34", "reason");
  EXPECT_TRUE(log_seen(true));
  EXPECT_FALSE(log_seen(false));
  EXPECT_EQ(mode_of("incoming/AB12CD34"), 0710U);
}

TEST_F(SpoolTest, MoveToActiveThatTheSystemRefusesEndsTheProcess) {
  write_file("incoming/AB12CD34", two_recipients().bytes());
  fs::remove("active");
  write_file("active", "");  // not even a directory
  EXPECT_EXIT((void)admit(), ::testing::ExitedWithCode(1),
              "fatal: qmgr_active_feed: AB12CD34: rename from incoming to active: Not a directory");
}

// --- reading on --------------------------------------------------------------------------------------

TEST_F(SpoolTest, BatchesFollowEachOther) {
  QueueFile file;
  for (int i = 0; i < 5; ++i) file.recipients.push_back("r" + std::to_string(i) + "@x.example");
  const Admitted first = admitted(file, 2);
  EXPECT_TRUE(first.batch.more);
  EXPECT_EQ(first.batch.unread, 3);
  const Event second = spool_->read_recipients(ReadRecipients{kId, 2});
  const auto* read = std::get_if<RecipientsRead>(&second);
  ASSERT_NE(read, nullptr);
  ASSERT_EQ(read->batch.recipients.size(), 2U);
  EXPECT_EQ(read->batch.recipients[0].address, "r2@x.example");
  const Event third = spool_->read_recipients(ReadRecipients{kId, 10});
  read = std::get_if<RecipientsRead>(&third);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->batch.recipients.size(), 1U);
  EXPECT_FALSE(read->batch.more);
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(SpoolTest, DoneMarksOfOthersAreSeenWhenReadingOn) {
  QueueFile file;
  file.recipients = {"a@x.example", "b@x.example", "c@x.example"};
  admitted(file, 1);
  std::string bytes = read_file(active());
  bytes[bytes.find("b@x.example") - 2] = 'D';
  write_file(active(), bytes);
  const Event event = spool_->read_recipients(ReadRecipients{kId, 10});
  const auto* read = std::get_if<RecipientsRead>(&event);
  ASSERT_NE(read, nullptr);
  ASSERT_EQ(read->batch.recipients.size(), 1U);
  EXPECT_EQ(read->batch.recipients[0].address, "c@x.example");
}

TEST_F(SpoolTest, DropUnreadEndsTheReading) {
  admitted(two_recipients(), 1);
  spool_->drop_unread(kId);
  const Event event = spool_->read_recipients(ReadRecipients{kId, 10});
  const auto* read = std::get_if<RecipientsRead>(&event);
  ASSERT_NE(read, nullptr);
  EXPECT_TRUE(read->batch.recipients.empty());
}

TEST_F(SpoolTest, FileThatVanishesOrBreaksWhileReadingOnCostsThatMessageOnly) {
  admitted(two_recipients(), 1);
  const std::string bytes = read_file(active());
  write_file(active(), bytes.substr(0, bytes.find("b@y.example") + 3));
  EXPECT_TRUE(std::holds_alternative<ReadFailed>(spool_->read_recipients(ReadRecipients{kId, 10})));
  EXPECT_FALSE(log_.take().empty());
  fs::remove(active());
  EXPECT_TRUE(std::holds_alternative<ReadFailed>(spool_->read_recipients(ReadRecipients{kId, 10})));
  EXPECT_EQ(log_.take(), Lines{"warning: open active AB12CD34: No such file or directory"});
  EXPECT_TRUE(std::holds_alternative<ReadFailed>(spool_->read_recipients(ReadRecipients{MessageId{99}, 10})));
}

// Opening a pipe that nobody else has open would wait for ever.
TEST_F(SpoolTest, PipePutInPlaceOfTheFileHoldsUpNobody) {
  admitted(two_recipients(), 1);
  fs::remove(active());
  ASSERT_EQ(mkfifo(active().c_str(), 0700), 0);
  alarm(20);
  EXPECT_TRUE(std::holds_alternative<ReadFailed>(spool_->read_recipients(ReadRecipients{kId, 10})));
  EXPECT_FALSE(log_.take().empty());
  spool_->mark_done(kId, 100);
  EXPECT_EQ(log_.take(), Lines{"warning: open active AB12CD34: No such device or address"});
  alarm(0);
}

TEST_F(SpoolTest, TimeStampsStayInTheQueue) {
  write_file("elsewhere", "x");
  const timespec old[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, "elsewhere", old, 0), 0);
  fs::create_symlink("../elsewhere", "active/AB12CD34");
  fs::create_symlink("../nowhere", "active/AB12CD35");
  spool_->recover_active();
  EXPECT_TRUE(fs::is_symlink("incoming/AB12CD34"));
  EXPECT_TRUE(fs::is_symlink("incoming/AB12CD35"));
  EXPECT_EQ(mtime_of("elsewhere"), 1'000'000'000);
  EXPECT_EQ(log_.take(), Lines{});
}

// --- symbolic links ----------------------------------------------------------------------------------

// A folder outside of the queue with a file of the message's name, which nobody may touch.
class SpoolLinkTest : public SpoolTest {
 protected:
  SpoolLinkTest() {
    fs::create_directory("outside");
    write_file("outside/AB12CD34", two_recipients().bytes());
    const timespec old[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    EXPECT_EQ(utimensat(AT_FDCWD, "outside/AB12CD34", old, 0), 0);
    for (const char* queue : {"defer", "deferred", "saved", "corrupt", "bounce"}) {
      fs::create_symlink("../outside", std::string(queue) + "/A");
    }
    before_ = look();
  }
  ~SpoolLinkTest() override { EXPECT_EQ(look(), before_) << "somebody has been outside"; }
  SpoolLinkTest(const SpoolLinkTest&) = delete;
  SpoolLinkTest& operator=(const SpoolLinkTest&) = delete;

  static Lines look() {
    Lines seen;
    for (const auto& entry : fs::directory_iterator("outside")) {
      const std::string path = entry.path();
      seen.push_back(path + " " + std::to_string(mtime_of(path)) + " " + std::to_string(mode_of(path)) +
                     read_file(path));
    }
    return seen;
  }

  Lines before_;
};

TEST_F(SpoolLinkTest, HashFolderThatIsALinkIsNotScanned) {
  spool_->open_scan(Queue::deferred);
  EXPECT_TRUE(std::holds_alternative<ScanEnded>(spool_->scan_next(Queue::deferred)));
  EXPECT_EQ(log_.take(), Lines{"warning: scan_dir_push: open directory deferred/A: Too many levels of symbolic links"});
}

TEST_F(SpoolLinkTest, NothingIsTakenThroughIt) {
  EXPECT_EQ(problem(admit(Queue::deferred)), AdmitProblem::not_moved);
  EXPECT_EQ(log_.take(),
            Lines{"warning: qmgr_active_feed: AB12CD34: rename from deferred to active: Too many levels of "
                  "symbolic links"});
}

TEST_F(SpoolLinkTest, WhatIsToBeDeferredWaitsInIncoming) {
  admitted();
  spool_->retry(kId, Seconds{2'000'000'100});
  EXPECT_EQ(mtime_of("incoming/AB12CD34"), 2'000'000'100);
  EXPECT_EQ(log_.take(),
            Lines{"warning: qmgr_active_defer: rename AB12CD34 from active to deferred: Too many levels of "
                  "symbolic links"});
  EXPECT_FALSE(spool_->find(kId));
}

TEST_F(SpoolLinkTest, NothingIsRemovedThroughIt) {
  settings_.hash_queue_names = {"defer", "deferred", "bounce"};
  remake();
  admitted();
  spool_->remove_defer_log(kId);
  EXPECT_EQ(std::get<BounceLogChecked>(spool_->check_bounce_log(kId)).state, LogFileState::absent);
  spool_->remove_bounce_log(kId);
  EXPECT_EQ(log_.take(), (Lines{"warning: qmgr_message_alloc: AB12CD34: remove defer AB12CD34: Too many levels of "
                                "symbolic links",
                                "warning: remove bounce AB12CD34: Too many levels of symbolic links"}));
}

TEST_F(SpoolLinkTest, NothingIsSavedThroughIt) {
  settings_.hash_queue_names = {"corrupt", "saved"};
  settings_.dont_remove = true;
  remake();
  admitted();
  spool_->mark_corrupt(kId);
  EXPECT_EQ(log_.take().size(), 1U);
  EXPECT_TRUE(fs::exists(active()));
  fs::rename(active(), "incoming/AB12CD34");
  (void)admit();
  log_.take();
  spool_->remove(kId);
  EXPECT_EQ(log_.take(), Lines{"warning: qmgr_active_done_3_generic: remove AB12CD34 from active: Too many levels of "
                               "symbolic links"});
  EXPECT_TRUE(fs::exists(active()));
}

TEST_F(SpoolLinkTest, ActiveFileThatIsOneIsNeitherReadNorWritten) {
  admitted(two_recipients(), 1);
  fs::remove(active());
  fs::create_symlink("../outside/AB12CD34", active());
  EXPECT_TRUE(std::holds_alternative<ReadFailed>(spool_->read_recipients(ReadRecipients{kId, 10})));
  spool_->mark_done(kId, 10);
  spool_->retry(kId, Seconds{2'000'000'100});
  EXPECT_TRUE(fs::is_symlink("incoming/AB12CD34"));
}

// What the bounce service finds in place of its log is for that service to judge.
TEST_F(SpoolLinkTest, LogThatIsOneIsALogAndIsRemovedItself) {
  admitted();
  fs::remove("defer/A");
  fs::create_directory("defer/A");
  for (const char* log : {"bounce/AB12CD34", "defer/A/AB12CD34"}) fs::create_symlink(fs::absolute("outside/x"), log);
  EXPECT_EQ(std::get<BounceLogChecked>(spool_->check_bounce_log(kId)).state, LogFileState::present);
  spool_->remove_bounce_log(kId);
  spool_->remove_defer_log(kId);
  EXPECT_FALSE(fs::is_symlink("bounce/AB12CD34") || fs::is_symlink("defer/A/AB12CD34"));
  EXPECT_TRUE(log_.lines.empty());
}

// --- logs of the bounce family -----------------------------------------------------------------------

//= R-REP-01 test
TEST_F(SpoolTest, DeferAndBounceLogs) {
  admitted();
  spool_->remove_defer_log(kId);  // missing is fine
  fs::create_directory("defer/A");
  write_file("defer/A/AB12CD34", "x");
  spool_->remove_defer_log(kId);
  EXPECT_FALSE(fs::exists("defer/A/AB12CD34"));
  const auto bounce = [&] { return std::get<BounceLogChecked>(spool_->check_bounce_log(kId)).state; };
  EXPECT_EQ(bounce(), LogFileState::absent);
  write_file("bounce/AB12CD34", "");
  EXPECT_EQ(bounce(), LogFileState::empty);
  write_file("bounce/AB12CD34", "x");
  EXPECT_EQ(bounce(), LogFileState::present);
  spool_->remove_bounce_log(kId);
  EXPECT_EQ(bounce(), LogFileState::absent);
  spool_->remove_bounce_log(kId);
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(SpoolTest, LogsThatCannotBeRemovedEndTheProcess) {
  admitted();
  fs::create_directories("defer/A/AB12CD34");
  EXPECT_EXIT(spool_->remove_defer_log(kId), ::testing::ExitedWithCode(1),
              "fatal: qmgr_message_alloc: AB12CD34: remove defer AB12CD34: Is a directory");
  fs::create_directory("bounce/AB12CD34");
  EXPECT_EXIT(spool_->remove_bounce_log(kId), ::testing::ExitedWithCode(1),
              "fatal: remove bounce AB12CD34: Is a directory");
}

TEST_F(SpoolTest, CheckFileLooksAsAScanDoes) {
  admitted();
  const auto state = [&] { return std::get<FileChecked>(spool_->check_file(kId)).state; };
  EXPECT_EQ(state(), FileState::ready);
  chmod(active().c_str(), 0400);
  EXPECT_EQ(state(), FileState::not_ready);
  fs::remove(active());
  EXPECT_EQ(state(), FileState::vanished);
  EXPECT_TRUE(log_.lines.empty());
}

// --- marks -------------------------------------------------------------------------------------------

TEST_F(SpoolTest, MarksAreSingleRecordsInPlace) {
  QueueFile file = two_recipients();
  file.envelope = {{'A', "trace_flags=1024"}, {'W', codec::wide_number(1'000'000'300)}};
  const Admitted good = admitted(file);
  const std::string before = read_file(active());
  std::string want = before;

  spool_->mark_done(kId, good.batch.recipients[0].offset);
  want[before.find("a@x.example") - 2] = 'D';
  EXPECT_EQ(read_file(active()), want);

  spool_->kill_trace(kId);
  want[before.find("trace_flags") - 2] = 'K';
  EXPECT_EQ(read_file(active()), want);

  spool_->update_warn(kId);
  want.replace(before.find(codec::wide_number(1'000'000'300)), 15, codec::wide_number(-1));
  EXPECT_EQ(read_file(active()), want);
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(SpoolTest, NoRecordToMark) {
  admitted();
  const std::string before = read_file(active());
  spool_->kill_trace(kId);
  spool_->update_warn(kId);
  EXPECT_EQ(read_file(active()), before);
}

// Where the real program dies of signal 11.
TEST_F(SpoolTest, MarkInAFileThatVanishedIsAWarning) {
  QueueFile file = two_recipients();
  file.envelope = {{'A', "trace_flags=1024"}, {'W', codec::wide_number(1'000'000'300)}};
  admitted(file);
  fs::remove(active());
  spool_->kill_trace(kId);
  spool_->update_warn(kId);
  EXPECT_EQ(log_.take(), (Lines{"warning: open active AB12CD34: No such file or directory",
                                "warning: open active AB12CD34: No such file or directory"}));
}

// --- the end -----------------------------------------------------------------------------------------

//= R-QUE-04 test
TEST_F(SpoolTest, RetryStampsAndMovesToDeferred) {
  admitted();
  chmod(active().c_str(), 0710);
  spool_->retry(kId, Seconds{1'234'567'890});
  struct stat status {};
  ASSERT_EQ(stat("deferred/A/AB12CD34", &status), 0);  // the hash directory is made
  EXPECT_EQ(status.st_mtim.tv_sec, 1'234'567'890);
  EXPECT_EQ(status.st_mtim.tv_nsec, 0);
  EXPECT_EQ(status.st_atim.tv_sec, 1'234'567'890);
  EXPECT_EQ(mode_of("deferred/A/AB12CD34"), 0710U);
  EXPECT_EQ(mode_of("deferred/A"), 0700U);
  EXPECT_TRUE(log_.lines.empty());
  EXPECT_FALSE(spool_->find(kId));
}

TEST_F(SpoolTest, RetryOfAVanishedFile) {
  admitted();
  fs::remove(active());
  spool_->retry(kId, Seconds{1});
  EXPECT_EQ(log_.take(),
            Lines{"warning: qmgr_active_defer: rename AB12CD34 from active to deferred: No such file or directory"});
  EXPECT_FALSE(spool_->find(kId));
}

TEST_F(SpoolTest, RetryThatTheSystemRefusesEndsTheProcess) {
  admitted();
  fs::remove("deferred");
  write_file("deferred", "");
  EXPECT_EXIT(spool_->retry(kId, Seconds{1}), ::testing::ExitedWithCode(1),
              "fatal: qmgr_active_defer: rename AB12CD34 from active to deferred: Not a directory");
}

TEST_F(SpoolTest, RemoveAndItsRaces) {
  admitted();
  spool_->remove(kId);
  EXPECT_FALSE(fs::exists(active()));
  EXPECT_EQ(log_.take(), Lines{"AB12CD34: removed"});
  admitted();
  fs::remove(active());
  spool_->remove(kId);
  EXPECT_EQ(log_.take(),
            Lines{"warning: qmgr_active_done_3_generic: remove AB12CD34 from active: No such file or directory"});
  spool_->remove(kId);  // forgotten already
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(SpoolTest, DontRemoveSavesUnderAFreeName) {
  settings_.dont_remove = true;
  remake();
  admitted();
  spool_->remove(kId);
  EXPECT_TRUE(fs::exists("saved/AB12CD34"));
  admitted();
  spool_->remove(kId);
  EXPECT_TRUE(fs::exists("saved/AB12CD34+"));
  EXPECT_FALSE(fs::exists(active()));
}

TEST_F(SpoolTest, CorruptMoveOfAMissingFileIsSilent) {
  admitted();
  fs::remove(active());
  spool_->mark_corrupt(kId);
  EXPECT_TRUE(log_.lines.empty());
  admitted();
  fs::remove("corrupt");
  write_file("corrupt", "");
  EXPECT_EXIT(spool_->mark_corrupt(kId), ::testing::ExitedWithCode(1),
              "fatal: qmgr_active_corrupt: save corrupt file queue active id AB12CD34: Not a directory");
}

// --- scans and start ---------------------------------------------------------------------------------

TEST_F(SpoolTest, ScanGivesEntriesThenTheEnd) {
  fs::create_directory("deferred/A");
  write_file("deferred/A/AB12CD34", "");
  EXPECT_TRUE(std::holds_alternative<ScanEnded>(spool_->scan_next(Queue::deferred)));
  spool_->open_scan(Queue::deferred);
  const Event event = spool_->scan_next(Queue::deferred);
  const auto* entry = std::get_if<ScanEntry>(&event);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->queue_id, "AB12CD34");
  EXPECT_EQ(entry->state, FileState::ready);
  EXPECT_EQ(entry->mtime.count(), mtime_of("deferred/A/AB12CD34"));
  EXPECT_TRUE(std::holds_alternative<ScanEnded>(spool_->scan_next(Queue::deferred)));
  EXPECT_TRUE(std::holds_alternative<ScanEnded>(spool_->scan_next(Queue::deferred)));
}

TEST_F(SpoolTest, StartMovesWhateverIsActiveBackToIncoming) {
  write_file("active/GOOD1", "x");
  write_file("active/MARKED", "x", 0400);
  write_file("active/not.valid", "x");
  fs::create_directory("active/DIR");
  fs::create_directory("active/H");
  write_file("active/H/BELOW", "x");  // flat queue: the computed path is active/BELOW
  timespec past[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, "active/GOOD1", past, 0), 0);
  const auto now = wall_clock().seconds().count();
  spool_->recover_active();
  EXPECT_TRUE(fs::exists("incoming/GOOD1"));
  EXPECT_GE(mtime_of("incoming/GOOD1"), now - 1);
  EXPECT_LE(mtime_of("incoming/GOOD1"), now + 1);
  EXPECT_EQ(mode_of("incoming/MARKED"), 0400U);
  EXPECT_TRUE(fs::is_directory("incoming/DIR"));
  EXPECT_TRUE(fs::exists("active/not.valid"));
  EXPECT_TRUE(fs::exists("active/H/BELOW"));
  std::sort(log_.lines.begin(), log_.lines.end());
  EXPECT_EQ(log_.take(), (Lines{"warning: qmgr_move: ignored: queue active id not.valid",
                                "warning: qmgr_move: update active/BELOW time stamps: No such file or directory"}));
}

// --- all recorded files ------------------------------------------------------------------------------

TEST_F(SpoolTest, EveryRecordedQueueFileIsAdmittedOrSavedAsCorrupt) {
  int good = 0, corrupt = 0;
  for (const auto& entry : fs::recursive_directory_iterator(testing::vectors() / "queue-files")) {
    if (entry.path().extension() != ".queue") continue;
    write_file("incoming/AB12CD34", read_file(entry.path()));
    const Event event = admit();
    if (std::holds_alternative<Admitted>(event)) {
      ++good;
      spool_->remove(kId);
    } else {
      EXPECT_EQ(problem(event), AdmitProblem::corrupt) << entry.path();
      ++corrupt;
      spool_->mark_corrupt(kId);
      EXPECT_TRUE(fs::exists("corrupt/AB12CD34")) << entry.path();
    }
  }
  EXPECT_GE(good, 93);
  EXPECT_GE(corrupt, 50);
}

}  // namespace
}  // namespace weir::postfix
