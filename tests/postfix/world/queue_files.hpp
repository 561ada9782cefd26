// Queue files for the tests of the daemon's world, made record by record (spec/queue_file.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/record.hpp"

namespace weir::testing {

struct QueueFile {
  std::string sender = "sender@test.example";
  std::vector<std::string> recipients;
  std::int64_t arrival = 1'000'000'000;
  std::vector<std::pair<char, std::string>> envelope;  // more records, before the recipients
  std::vector<std::pair<char, std::string>> extracted;

  [[nodiscard]] std::string bytes() const {
    using codec::append_record;
    using codec::wide_number;
    std::string head;
    append_record(head, 'T', std::to_string(arrival) + " 500000");
    append_record(head, 'A', "create_time=" + std::to_string(arrival));
    append_record(head, 'A', "rewrite_context=local");
    append_record(head, 'S', sender);
    for (const auto& [type, payload] : envelope) append_record(head, type, payload);
    for (const auto& recipient : recipients) append_record(head, 'R', recipient);
    append_record(head, 'M', "");
    std::string content;
    append_record(content, 'N', "Subject: x");
    append_record(content, 'N', "");
    append_record(content, 'N', "hello");
    constexpr std::size_t kSizeRecord = 97;
    const auto number = [](std::size_t n) { return wide_number(static_cast<std::int64_t>(n)); };
    std::string file;
    append_record(file, 'C',
                  number(content.size()) + " " + number(kSizeRecord + head.size()) + " " + number(recipients.size()) +
                      " " + number(0) + " " + number(content.size()) + " " + number(0));
    file += head + content;
    append_record(file, 'X', "");
    for (const auto& [type, payload] : extracted) append_record(file, type, payload);
    append_record(file, 'E', "");
    return file;
  }
};

}  // namespace weir::testing
