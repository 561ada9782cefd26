// What the tests of the queue file reader share: a file in memory, read once, with everything that was said.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "codec/address.hpp"
#include "codec/queue_file.hpp"

namespace weir::testing {

inline std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>{file}, {}};
}

// One line as it stands in a log, without the program's name. Bytes that cannot be printed show as '?': control
// characters, and those that never occur in UTF-8.
inline std::string log_text(const codec::Diagnostic& diagnostic) {
  std::string line;
  if (const auto* warning = std::get_if<codec::FileWarning>(&diagnostic)) {
    line = "warning: " + warning->text;
  } else {
    const auto& active = std::get<codec::FileActive>(diagnostic);
    line = "QID: from=<" + codec::to_external(active.sender) + ">, size=" + std::to_string(active.size) +
           ", nrcpt=" + std::to_string(active.recipients) + " (queue active)";
  }
  for (char& c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7f || byte >= 0xf8) c = '?';
  }
  return line;
}

// A message: its file, its reader, and what the reads said.
class Reading {
 public:
  explicit Reading(std::string bytes) : bytes_(std::move(bytes)), source_(bytes_) {}
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  // Between two reads the reader is packed, as the daemon keeps it: no test may notice.
  codec::ReadOutcome read(std::int64_t at_most = 5000) {
    auto outcome = reader_.read(source_, {"QID", "active/QID"}, at_most, settings,
                                [this](const codec::Diagnostic& diagnostic) { log.push_back(log_text(diagnostic)); });
    std::string packed;
    reader_.pack(packed);
    auto unpacked = codec::QueueFileReader::unpack(packed);
    if (unpacked != reader_) throw std::logic_error("a packed reader is not what it was");
    reader_ = std::move(unpacked);
    return outcome;
  }

  [[nodiscard]] const codec::QueueFileReader& reader() const { return reader_; }
  [[nodiscard]] codec::QueueFileReader& reader() { return reader_; }
  [[nodiscard]] const Envelope& envelope() const { return reader_.envelope(); }
  [[nodiscard]] int source_reads() const { return source_.reads(); }

  codec::ReadSettings settings;
  std::vector<std::string> log;

 private:
  std::string bytes_;
  codec::MemoryBytes source_;
  codec::QueueFileReader reader_;
};

}  // namespace weir::testing
