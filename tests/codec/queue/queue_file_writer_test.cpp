// What is written is read back: field by field, and for parts made of chance.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "codec/queue/reading.hpp"
#include "codec/queue_file_writer.hpp"

namespace weir::codec {
namespace {

using namespace std::string_literals;
using testing::Reading;

Envelope full_envelope() {
  Envelope envelope;
  envelope.sender = "sender@weir.example";
  envelope.arrival = Time{Micros{1795340210429770}};
  envelope.create_time = Seconds{1795340211};
  envelope.content_length = 1075;
  envelope.smtputf8 = 7;
  envelope.encoding = "8bit";
  envelope.envelope_id = "QQ314159";
  envelope.return_flags = 2;
  envelope.client = {"client.example", "IPv6:::1", "25", "ESMTP", "helo.example"};
  envelope.sasl_method = "PLAIN";
  envelope.sasl_username = "user name=x";
  envelope.sasl_sender = "other@weir.example";
  envelope.log_ident = "6922EA7412A";
  envelope.rewrite_context = "remote";
  envelope.filter = "smtp:[127.0.0.1]:10025";
  envelope.redirect = "";
  envelope.inspect = true;
  envelope.verp_delimiters = "+=";
  envelope.trace_flags = kTraceRecord;
  envelope.warn_time = Seconds{1795343999};
  return envelope;
}

// Reads the file in batches of `at_most` and compares everything with what the writer said.
void expect_read_back(const QueueFileText& file, std::int64_t at_most) {
  Reading reading{file.bytes};
  std::vector<Recipient> recipients;
  do {
    auto outcome = reading.read(at_most);
    ASSERT_TRUE(outcome.ok()) << outcome.reason;
    std::move(outcome.batch.recipients.begin(), outcome.batch.recipients.end(), std::back_inserter(recipients));
  } while (reading.reader().more());
  EXPECT_EQ(recipients, file.recipients);
  EXPECT_EQ(reading.envelope(), file.envelope);
  EXPECT_EQ(reading.log.size(), 1U) << reading.log.back();
}

TEST(QueueFileWriter, WritesEveryField) {
  QueueFileParts parts;
  parts.envelope = full_envelope();
  parts.recipients = {{0, "a@x", "b@x", "rfc822;b@x", 6}, {0, "c@x", "", "", 0}};
  parts.extracted = {{0, "d@x", "e@x", "", 1}};
  parts.lines = {"Subject: test", "", "hello", std::string(5000, 'x'), "\0\xff"s};
  const auto file = write_queue_file(parts);

  Envelope expected = full_envelope();
  expected.success_notify = true;
  expected.data_offset = file.envelope.data_offset;
  expected.data_size = file.envelope.data_size;
  expected.trace_offset = file.envelope.trace_offset;
  expected.warn_offset = file.envelope.warn_offset;
  EXPECT_EQ(file.envelope, expected);
  EXPECT_EQ(file.bytes[static_cast<std::size_t>(expected.trace_offset)], 'A');
  EXPECT_EQ(file.bytes[static_cast<std::size_t>(expected.warn_offset)], 'W');
  expect_read_back(file, 5000);
  EXPECT_EQ(file.recipients.size(), 3U);
  EXPECT_EQ(file.recipients[2].address, "d@x");
}

TEST(QueueFileWriter, AnEmptyMessageIsGood) {
  const auto file = write_queue_file({});
  EXPECT_EQ(file.envelope.arrival.seconds(), Seconds{1});
  expect_read_back(file, 5000);
}

TEST(QueueFileWriter, WhatCannotBeSaidIsLeftOut) {
  QueueFileParts parts;
  parts.envelope.sender = "a\0b"s;
  parts.envelope.encoding = "  8bit\t";
  parts.envelope.return_flags = 3;
  parts.envelope.trace_flags = 7;
  parts.envelope.verp_delimiters = "ab";
  parts.envelope.warn_time = Seconds::max();
  parts.envelope.create_time = Seconds::min();
  parts.envelope.content_length = INT64_MAX;
  parts.envelope.arrival = Time{Micros::min()};
  parts.recipients = {{0, std::string(100000, 'x'), "", "", 3}};
  const auto file = write_queue_file(parts);
  EXPECT_EQ(file.envelope.sender, "a");
  EXPECT_EQ(file.envelope.encoding, "8bit");
  EXPECT_EQ(file.envelope.return_flags, 0);
  EXPECT_EQ(file.envelope.trace_flags, 0U);
  EXPECT_EQ(file.envelope.verp_delimiters, "");
  EXPECT_EQ(file.recipients.at(0).notify, 0U);
  EXPECT_EQ(file.recipients.at(0).address.size(), kWrittenTextMax);
  expect_read_back(file, 1);
}

// A generator of our own: the same files on every compiler.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}

  std::uint64_t below(std::uint64_t limit) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33) % limit;
  }
  bool flip() { return below(2) == 0; }
  std::string text() {
    std::string text;
    for (auto left = below(3) == 0 ? 0 : below(40); left > 0; --left) text += static_cast<char>(below(256));
    return text;
  }
  Recipient recipient() {
    Recipient recipient;
    recipient.address = text();
    recipient.original = text();
    recipient.dsn_orcpt = text();
    recipient.notify = static_cast<unsigned>(below(20));
    return recipient;
  }
  Envelope envelope() {
    Envelope envelope;
    for (auto field :
         {&Envelope::sender, &Envelope::encoding, &Envelope::envelope_id, &Envelope::sasl_method,
          &Envelope::sasl_username, &Envelope::sasl_sender, &Envelope::log_ident, &Envelope::rewrite_context}) {
      envelope.*field = text();
    }
    for (auto field :
         {&ClientInfo::name, &ClientInfo::address, &ClientInfo::port, &ClientInfo::protocol, &ClientInfo::helo}) {
      envelope.client.*field = text();
    }
    if (flip()) envelope.filter = text();
    if (flip()) envelope.redirect = text();
    if (flip()) envelope.verp_delimiters = "-+";
    envelope.arrival = Time{Micros{static_cast<std::int64_t>(below(1U << 31)) * 1000001}};
    envelope.create_time = Seconds{static_cast<std::int64_t>(below(1U << 31)) - 1000};
    envelope.warn_time = flip() ? Seconds{0} : Seconds{static_cast<std::int64_t>(below(1U << 31)) - 5};
    envelope.content_length = static_cast<std::int64_t>(below(5000));
    envelope.smtputf8 = static_cast<int>(below(8));
    envelope.return_flags = static_cast<int>(below(4));
    envelope.inspect = flip();
    envelope.success_notify = flip();
    envelope.trace_flags = static_cast<unsigned>(below(4) == 0 ? 1024 : below(16384));
    return envelope;
  }

 private:
  std::uint64_t state_;
};

TEST(QueueFileWriter, AnythingIsReadBack) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(seed);
    Chance chance{seed};
    QueueFileParts parts;
    parts.envelope = chance.envelope();
    for (auto left = chance.below(12); left > 0; --left) parts.recipients.push_back(chance.recipient());
    for (auto left = chance.below(4); left > 0; --left) parts.extracted.push_back(chance.recipient());
    for (auto left = chance.below(6); left > 0; --left) parts.lines.push_back(chance.text());
    parts.mixed = chance.flip();
    parts.pointers = chance.flip();
    const auto file = write_queue_file(parts);
    const auto at_most = static_cast<std::int64_t>(1 + chance.below(6));
    expect_read_back(file, at_most);
    expect_read_back(file, 5000);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

// Any byte of a good file changed: an answer, and the same one twice.
TEST(QueueFileWriter, ChangedBytesGiveAnAnswer) {
  QueueFileParts parts;
  parts.envelope = full_envelope();
  parts.recipients = {{0, "a@x", "b@x", "rfc822;b@x", 6}, {0, "c@x", "", "", 0}};
  parts.pointers = true;
  const auto file = write_queue_file(parts);
  for (std::size_t i = 0; i < file.bytes.size(); ++i) {
    for (const int change : {1, 0x20, 0x80, 0xff}) {
      std::string bytes = file.bytes;
      bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ change);
      Reading first{bytes}, second{bytes};
      EXPECT_EQ(first.read(1).damage, second.read(1).damage);
      EXPECT_EQ(first.log, second.log);
    }
    Reading cut{file.bytes.substr(0, i)};
    EXPECT_FALSE(cut.read().ok());
  }
}

}  // namespace
}  // namespace weir::codec
