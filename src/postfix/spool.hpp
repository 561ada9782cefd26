// Spool: the queue directories, and the files of the messages in memory.
//
// Promises: no file is held open between two calls, and a message in memory takes one small piece of it; each duty is
// a few system calls on paths relative to the working directory, which is the queue directory. No symbolic link in a
// queue leads anywhere (queue_folder.hpp). Trouble with our surroundings (permissions, a full disk, a missing
// directory) ends the process as it ends Postfix's; a bad or vanished file costs that message only
// (spec/divergences.md). Crash-safe in the order of steps: stamp before rename, marks of one byte.
// Tested in tests/postfix/world/spool_test.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "codec/parameters.hpp"
#include "codec/queue_file.hpp"
#include "codec/queue_id.hpp"
#include "contract/command.hpp"
#include "contract/event.hpp"
#include "postfix/loop.hpp"
#include "postfix/queue_scan.hpp"
#include "postfix/voice.hpp"

namespace weir::postfix {

class Spool {
 public:
  // A message in memory, from Admit until the brain forgets it. It is kept packed; this is a copy.
  struct Message {
    std::string queue_id;
    codec::QueueFileReader reader;
    Time active_arrival;  // when the file was opened for this pass
  };

  Spool(Loop& loop, Voice& voice, const codec::ProcessSettings& settings);

  void recover_active();
  void open_scan(Queue queue);
  [[nodiscard]] Event scan_next(Queue queue);

  [[nodiscard]] Event admit(const Admit& command);
  [[nodiscard]] Event read_recipients(const ReadRecipients& command);
  void drop_unread(MessageId id);

  void remove_defer_log(MessageId id);
  [[nodiscard]] Event check_bounce_log(MessageId id);
  void remove_bounce_log(MessageId id);
  [[nodiscard]] Event check_file(MessageId id);

  void mark_done(MessageId id, std::int64_t offset);
  void kill_trace(MessageId id);
  void update_warn(MessageId id);

  void retry(MessageId id, Seconds not_before);
  void cool_down(MessageId id, Seconds not_before);
  void remove(MessageId id);
  void mark_corrupt(MessageId id);
  void forget(MessageId id);

  // Nothing for a message that is not in memory.
  [[nodiscard]] std::optional<Message> find(MessageId id) const;
  [[nodiscard]] std::size_t message_count() const { return messages_.size(); }

 private:
  // Size, queue ID, time and reader, one after the other.
  using Packed = std::unique_ptr<char[]>;

  void keep(MessageId id, const Message& message);
  [[nodiscard]] std::optional<std::string> queue_id_of(MessageId id) const;

  [[nodiscard]] std::string path(Queue queue, std::string_view queue_id) const;
  [[nodiscard]] std::optional<QueueScan>& scan_of(Queue queue);
  void recover_entry(const std::string& name);

  // 0, or the error number. Makes missing directories of the target; sees through a rename that was refused
  // although it happened.
  [[nodiscard]] int move_file(const std::string& from, const std::string& to);
  [[nodiscard]] int rename_once(const std::string& from, const std::string& to);
  [[nodiscard]] static int stamp(const std::string& path, Seconds second);

  // Says what went wrong; ends the process where Postfix's would, but not for a link in the way.
  void complain(const codec::LogLine& line, int error);
  [[nodiscard]] AdmitFailed not_admitted(MessageId id, AdmitProblem problem) const { return {id, problem}; }
  void say_not_opened(const std::string& queue_id, int error, bool tolerable);
  [[nodiscard]] Event open_and_read(const Admit& command, Message& message);
  [[nodiscard]] codec::ReadOutcome read_batch(Message& message, int fd, const std::string& path, std::int64_t at_most);
  void drop_flush_request(int fd, const std::string& path);
  [[nodiscard]] LogFileState look_at_log(std::string_view directory, std::string_view queue_id) const;

  void patch(const std::string& queue_id, const codec::Patch& patch);
  void leave_active(MessageId id, Queue to, Seconds not_before);
  [[nodiscard]] int unlink_or_save(const std::string& queue_id, const std::string& from);

  Loop& loop_;
  Voice& voice_;
  codec::QueueHash hash_;
  codec::ReadSettings read_settings_;
  bool dont_remove_;
  bool silent_removal_, old_texts_;  // habits of the queue manager of 2003
  std::optional<QueueScan> incoming_scan_, deferred_scan_;
  std::unordered_map<std::uint64_t, Packed> messages_;  // by MessageId
  std::string packing_;                                 // room that keep() uses again
};

}  // namespace weir::postfix
