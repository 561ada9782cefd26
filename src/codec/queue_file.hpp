// Queue file reader: the bytes of a queue file to an Envelope and batches of Recipients, as qmgr reads them.
// Format and rules: spec/queue_file.md. Tested in tests/codec/queue/queue_file_test.cpp and vectors_test.cpp.
//
// One QueueFileReader per message, kept (no buffers inside; packed, if there are many) from the first read until the
// message is forgotten; each read() opens nothing and holds nothing of the ByteSource afterwards.
//
//     QueueFileReader reader;
//     const ReadOutcome outcome = reader.read(bytes, {queue_id, path}, at_most, settings, log);
//     if (outcome.ok()) ... outcome.batch, reader.envelope() ...
//
// Promises
// - Any bytes give an answer: no crash, no exception, memory bounded by kBatchTextMax plus a few kPayloadMax.
// - The content is skipped: a small message costs one or two reads of 4096 bytes.
// - Lines come out in the order, and with the words, of Postfix 3.7.
//
// Left to others: confirm_delay_cleared (turns a negative warn time into a trace flag), the cap of 5000
// recipients a batch, sorting, done marks in the file; the line "saving corrupt file".
//
// Otherwise than the real program (rows of spec/divergences.md)
// - A size record that leads beyond what the file system can address, and an old-style size record without the
//   old layout: the real program dies of them again and again; here the file is corrupt, and its last words
//   are a warning.
// - The guard against pointer loops counts per message, over all its reads: the real one counts per path, so that
//   further attempts of the same message go on counting.
// - A record of more than kPayloadMax bytes that is to be kept is damage. A batch whose text reaches
//   kBatchTextMax ends there, as if at_most had been reached. A read that has gone over kRereadMax bytes again,
//   where a jump counts as kJumpCost, ends as if it had jumped back too often. After kWarningsMax warnings one line tells how many more there were.
// - A warning record that is not 15 wide is changed in a way that leaves the next record intact (warn_sent()).
// - Times beyond +-kTimeMax are cut to that; microseconds outside 0 ... 999999 count as what they add up to.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "codec/bytes.hpp"
#include "codec/record.hpp"
#include "contract/message.hpp"

namespace weir::codec {

inline constexpr std::size_t kBatchTextMax = std::size_t{64} << 20;
inline constexpr std::int64_t kRereadMax = std::int64_t{32} << 20;
inline constexpr std::int64_t kJumpCost = 512;
inline constexpr int kReverseJumpsMax = 10000;
inline constexpr int kWarningsMax = 20000;
inline constexpr Seconds kTimeMax{9'000'000'000'000};

struct ReadSettings {
  std::string verp_delimiter_filter = "-=+";
  bool counts_unread = true;  // oqmgr does not: it logs the number of the size record and never misses any
};

// How a file is named in log lines: its queue ID, and its path below the queue directory ("active/ID").
struct QueueFileName {
  std::string_view queue_id, path;
};

// A warning; the text is the whole line, bytes as they are in the file.
struct FileWarning {
  std::string text;
  friend bool operator==(const FileWarning&, const FileWarning&) = default;
};

// Info "ID: from=<SENDER>, size=SIZE, nrcpt=RECIPIENTS (queue active)". The sender is in internal form here.
struct FileActive {
  std::string sender;
  std::int64_t size = 0, recipients = 0;
  friend bool operator==(const FileActive&, const FileActive&) = default;
};

// What the reader has to say, in order, while it reads.
using Diagnostic = std::variant<FileWarning, FileActive>;
using DiagnosticSink = std::function<void(const Diagnostic&)>;

enum class Damage : std::uint8_t {
  none,
  incomplete,  // no end record where reading stops: "message rejected: missing end record"
  corrupt,     // any other damage
  unreadable,  // the source failed; the file may be good. The real program takes it for incomplete
};

struct ReadOutcome {
  Damage damage = Damage::none;
  Batch batch;         // only if ok
  std::string reason;  // what is wrong, without the name of the file; empty if ok

  [[nodiscard]] bool ok() const { return damage == Damage::none; }
};

// Bytes to write over those at `offset`. The size of a file never changes.
struct Patch {
  std::int64_t offset = 0;
  std::string bytes;
  friend bool operator==(const Patch&, const Patch&) = default;
};

// This recipient is done: `offset` is Recipient::offset.
[[nodiscard]] inline Patch done_mark(std::int64_t offset) { return {offset, "D"}; }
// This record counts no more: `offset` is Envelope::trace_offset.
[[nodiscard]] inline Patch kill_mark(std::int64_t offset) { return {offset, "K"}; }

class QueueFileReader {
 public:
  // The first read starts at the beginning, a later one (only after Batch::more) where the last one reached its
  // limit; without Batch::more a later one gives an empty batch. Reads at most `at_most` deliverable recipients;
  // less than one counts as one. A batch of exactly `at_most` has more = true, whatever follows. A read that
  // fails leaves the place and the unread count as they were: it may be tried again.
  [[nodiscard]] ReadOutcome read(ByteSource& source, const QueueFileName& name, std::int64_t at_most,
                                 const ReadSettings& settings, const DiagnosticSink& log);

  // Complete after the first good read; only a file with mixed records can add to it later.
  [[nodiscard]] const Envelope& envelope() const { return envelope_; }

  // The rest of the recipients will never be read.
  void drop_unread() { resume_offset_ = unread_ = 0; }

  [[nodiscard]] bool more() const { return resume_offset_ != 0; }
  [[nodiscard]] std::int64_t unread() const { return unread_; }

  // The delay notice has been sent: 17 bytes at Envelope::warn_offset for a record as Postfix writes it. In
  // a record of another width only the number is replaced, or, if it has no room for "-1", the type byte.
  // Nothing if there is no such record.
  [[nodiscard]] std::optional<Patch> warn_sent() const;

  // All of this in few bytes, behind those in `out`; unpack() takes exactly what pack() has appended.
  void pack(std::string& out) const;
  [[nodiscard]] static QueueFileReader unpack(std::string_view bytes);

  friend bool operator==(const QueueFileReader&, const QueueFileReader&) = default;

 private:
  friend class QueueFileRead;  // one read; see queue_file.cpp
  template <class V>
  void visit(V& v) const;  // every member; for pack() and unpack()

  Envelope envelope_;
  Seconds arrival_seconds_{};
  std::int64_t unread_ = 0;
  std::int64_t resume_offset_ = 0;  // 0 = none
  std::int64_t last_jump_ = 0;      // target of the last pointer
  int reverse_jumps_ = 0;
  std::int32_t size_flags_ = 1;    // of the size record
  std::int32_t warn_length_ = -1;  // payload bytes of the warning record; -1 = there is none
  int warn_header_ = 0;            // its type and length bytes
  std::uint16_t attributes_ = 0;   // which of those that count once have been seen
  bool started_ = false;
  bool has_sender_ = false;
  bool seen_all_ = false;  // everything but recipients is known
};

}  // namespace weir::codec
