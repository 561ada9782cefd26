// Codecs: what is written is read back, whatever it says and however the bytes arrive. What lies between writer and
// reader is a Channel: the honest one, or a fault that the property must notice.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "codec/address.hpp"
#include "codec/attr.hpp"
#include "codec/delivery.hpp"
#include "codec/main_cf.hpp"
#include "codec/queue_file.hpp"
#include "codec/queue_file_writer.hpp"
#include "codec/record.hpp"

namespace weir::props {
namespace {

using Channel = std::function<std::string(const std::string& bytes)>;

std::string honest(const std::string& bytes) { return bytes; }

// Bytes without NUL, which no attribute can carry.
rc::Gen<std::string> text() {
  return rc::gen::container<std::string>(
      rc::gen::map(rc::gen::inRange(1, 256), [](int c) { return static_cast<char>(c); }));
}

rc::Gen<std::string> bytes() {
  return rc::gen::container<std::string>(
      rc::gen::map(rc::gen::inRange(0, 256), [](int c) { return static_cast<char>(c); }));
}

rc::Gen<Recipient> recipient() {
  return rc::gen::build<Recipient>(
      rc::gen::set(&Recipient::offset, rc::gen::inRange<std::int64_t>(1, 1 << 30)),
      rc::gen::set(&Recipient::address, text()), rc::gen::set(&Recipient::original, text()),
      rc::gen::set(&Recipient::dsn_orcpt, text()), rc::gen::set(&Recipient::notify, rc::gen::inRange(0U, 16U)));
}

// Feeds the bytes in pieces of the given sizes, then the rest.
template <class Reader>
void feed_in_pieces(Reader& reader, const std::string& all, const std::vector<std::uint8_t>& sizes) {
  std::size_t at = 0;
  for (const std::uint8_t size : sizes) {
    const std::string piece = all.substr(std::min(at, all.size()), size);
    if (!piece.empty()) reader.feed(piece);
    at += piece.size();
  }
  if (at < all.size()) reader.feed(all.substr(at));
}

void attribute_lists(const Channel& channel) {
  const auto list = *rc::gen::container<std::vector<std::pair<std::string, std::string>>>(
      rc::gen::pair(rc::gen::nonEmpty(text()), text()));
  codec::AttrWriter writer;
  for (const auto& [name, value] : list) writer.text(name, value);
  writer.end();
  const auto parsed = codec::parse_attr_list(channel(writer.bytes()));
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(parsed->list == list);
  RC_ASSERT(parsed->size == writer.bytes().size());
}

void base64(const Channel& channel) {
  const std::string data = *bytes();
  const auto back = codec::base64_decode(channel(codec::base64_encode(data)));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == data);
}

void delivery_requests(const Channel& channel) {
  codec::DeliveryRequest request;
  request.flags = *rc::gen::inRange(0U, 1U << 14);
  request.queue_id = *rc::gen::nonEmpty(text());
  request.offset = *rc::gen::inRange<std::int64_t>(0, 1LL << 40);
  request.size = *rc::gen::inRange<std::int64_t>(0, 1LL << 40);
  request.nexthop = *text();
  request.sender = *text();
  request.envelope_id = *text();
  request.client.name = *text();
  request.sasl_username = *text();
  request.times.incoming_arrival = Time{Micros{*rc::gen::inRange<std::int64_t>(0, 1LL << 50)}};
  request.recipients = *rc::gen::nonEmpty(rc::gen::container<std::vector<Recipient>>(recipient()));
  codec::DeliveryRequestReader reader({}, "smtp socket");
  feed_in_pieces(reader, channel(codec::encode(request, {})), *rc::gen::arbitrary<std::vector<std::uint8_t>>());
  RC_ASSERT(reader.done());
  RC_ASSERT(reader.failure() == "");
  RC_ASSERT(reader.request().has_value());
  RC_ASSERT(*reader.request() == request);
}

void delivery_reports(const Channel& channel) {
  codec::DeliveryReport report;
  report.status = *text();
  report.reason = *text();
  report.diag_text = *text();
  report.final_status = *rc::gen::arbitrary<std::int32_t>();
  codec::DeliveryReportReader reader("private/smtp socket");
  feed_in_pieces(reader, channel(codec::encode(report)), *rc::gen::arbitrary<std::vector<std::uint8_t>>());
  RC_ASSERT(reader.complete());
  RC_ASSERT(reader.report() == report);
  const Delivered delivered = reader.delivered(AgentId{7});
  RC_ASSERT(delivered.try_again == (report.final_status != 0));
  RC_ASSERT(delivered.dsn == (Dsn{report.status, report.reason}));
}

// A report that breaks off anywhere is never taken for a complete one.
void broken_reports(const Channel& channel) {
  codec::DeliveryReport report;
  report.status = *text();
  report.reason = *text();
  const std::string whole = codec::encode(report);
  codec::DeliveryReportReader reader("private/smtp socket");
  reader.feed(channel(whole.substr(0, *rc::gen::inRange<std::size_t>(0, whole.size()))));
  reader.end_of_file();
  RC_ASSERT(reader.done());
  RC_ASSERT(!reader.complete());
  RC_ASSERT(!reader.delivered(AgentId{1}).complete);
}

void records_survive(const Channel& channel) {
  const auto records = *rc::gen::container<std::vector<std::pair<std::uint8_t, std::string>>>(
      rc::gen::pair(rc::gen::arbitrary<std::uint8_t>(), bytes()));
  std::string file;
  for (const auto& [type, payload] : records) codec::append_record(file, type, payload);
  file = channel(file);
  codec::MemoryBytes source(file);
  codec::ByteWindow window(source);
  codec::Record record;
  for (const auto& [type, payload] : records) {
    RC_ASSERT(codec::read_record(
                  window, [](int) { return true; }, record) == codec::RecordStatus::ok);
    RC_ASSERT(record.type == type);
    RC_ASSERT(record.payload == payload);
  }
  RC_ASSERT(codec::read_record(
                window, [](int) { return true; }, record) == codec::RecordStatus::end);
}

void queue_files(const Channel& channel) {
  codec::QueueFileParts parts;
  parts.envelope.sender = *text();
  parts.envelope.arrival = Time{Micros{*rc::gen::inRange<std::int64_t>(1, 1LL << 50)}};
  parts.envelope.envelope_id = *text();
  parts.envelope.encoding = *text();
  parts.envelope.trace_flags = *rc::gen::arbitrary<unsigned>();
  if (*rc::gen::arbitrary<bool>()) parts.envelope.filter = *text();
  parts.recipients = *rc::gen::container<std::vector<Recipient>>(recipient());
  parts.extracted = *rc::gen::container<std::vector<Recipient>>(recipient());
  parts.lines = *rc::gen::container<std::vector<std::string>>(bytes());
  parts.mixed = *rc::gen::arbitrary<bool>();
  parts.pointers = *rc::gen::arbitrary<bool>();
  const codec::QueueFileText file = codec::write_queue_file(parts);

  const auto at_most = *rc::gen::inRange<std::int64_t>(1, 8);
  const std::string bytes_read = channel(file.bytes);
  codec::MemoryBytes source(bytes_read);
  codec::QueueFileReader reader;
  std::vector<Recipient> recipients;
  bool more = true;
  for (std::size_t reads = 0; more; ++reads) {
    RC_ASSERT(reads <= file.recipients.size() + 1);
    const codec::ReadOutcome outcome =
        reader.read(source, {"ID", "active/ID"}, at_most, {}, [](const codec::Diagnostic&) {});
    RC_ASSERT(outcome.ok());
    RC_ASSERT(outcome.batch.recipients.size() <= static_cast<std::size_t>(at_most));
    recipients.insert(recipients.end(), outcome.batch.recipients.begin(), outcome.batch.recipients.end());
    more = outcome.batch.more;
  }
  RC_ASSERT(reader.envelope() == file.envelope);
  RC_ASSERT(recipients == file.recipients);
}

// Cut anywhere, a queue file is never taken for a whole one.
void cut_queue_files(const Channel& channel) {
  codec::QueueFileParts parts;
  parts.envelope.arrival = Time{Micros{1'000'000}};
  parts.recipients = *rc::gen::container<std::vector<Recipient>>(recipient());
  parts.lines = *rc::gen::container<std::vector<std::string>>(bytes());
  const std::string whole = codec::write_queue_file(parts).bytes;
  const std::string cut = channel(whole.substr(0, *rc::gen::inRange<std::size_t>(0, whole.size() - 1)));
  codec::MemoryBytes source(cut);
  codec::QueueFileReader reader;
  const auto outcome = reader.read(source, {"ID", "active/ID"}, 1'000'000, {}, [](const codec::Diagnostic&) {});
  RC_ASSERT(!outcome.ok());
}

// Any text with its dollar signs doubled expands to itself.
void escaped_text(const Channel& channel) {
  const std::string plain = *text();
  std::string escaped;
  for (const char c : plain) escaped += c == '$' ? std::string("$$") : std::string(1, c);
  codec::Notes notes;
  const auto expanded = codec::expand({}, channel(escaped), notes);
  RC_ASSERT(notes.ok());
  RC_ASSERT(expanded == plain);
}

// A local part of printable characters survives quoting.
void addresses(const Channel& channel) {
  const auto localpart = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange(' ', '\x7f')));
  RC_PRE(localpart.find('@') == std::string::npos);
  const std::string address = localpart + "@example.com";
  RC_ASSERT(codec::to_internal(channel(codec::to_external(address))) == address);
}

RC_GTEST_PROP(RoundTrip, AttributeLists, ()) { attribute_lists(honest); }
RC_GTEST_PROP(RoundTrip, Base64, ()) { base64(honest); }
RC_GTEST_PROP(RoundTrip, DeliveryRequests, ()) { delivery_requests(honest); }
RC_GTEST_PROP(RoundTrip, DeliveryReports, ()) { delivery_reports(honest); }
RC_GTEST_PROP(RoundTrip, BrokenReportsAreNotComplete, ()) { broken_reports(honest); }
RC_GTEST_PROP(RoundTrip, Records, ()) { records_survive(honest); }
RC_GTEST_PROP(RoundTrip, QueueFiles, ()) { queue_files(honest); }
RC_GTEST_PROP(RoundTrip, CutQueueFilesAreDamaged, ()) { cut_queue_files(honest); }
RC_GTEST_PROP(RoundTrip, EscapedTextExpandsToItself, ()) { escaped_text(honest); }
RC_GTEST_PROP(RoundTrip, Addresses, ()) { addresses(honest); }

// --- seeded faults: each property must notice its own -------------------------------------------------

std::string loses_last_byte(const std::string& bytes) { return bytes.substr(0, bytes.empty() ? 0 : bytes.size() - 1); }

Channel with_all(char from, const std::string& to) {
  return [from, to](const std::string& bytes) {
    std::string out;
    for (const char c : bytes) out += c == from ? to : std::string(1, c);
    return out;
  };
}

bool notices(void (*property)(const Channel&), const Channel& fault) {
  return !rc::check([&] { property(fault); });
}

TEST(SeededCodecFaults, AttributeListCutShort) { EXPECT_TRUE(notices(attribute_lists, loses_last_byte)); }
TEST(SeededCodecFaults, Base64OfAnotherAlphabet) { EXPECT_TRUE(notices(base64, with_all('/', "_"))); }
TEST(SeededCodecFaults, RequestWithAnotherNumber) { EXPECT_TRUE(notices(delivery_requests, with_all('1', "2"))); }
TEST(SeededCodecFaults, ReportWithAnotherStatus) { EXPECT_TRUE(notices(delivery_reports, with_all('1', "2"))); }
TEST(SeededCodecFaults, RecordCutShort) { EXPECT_TRUE(notices(records_survive, loses_last_byte)); }
TEST(SeededCodecFaults, QueueFileCutShort) { EXPECT_TRUE(notices(queue_files, loses_last_byte)); }
TEST(SeededCodecFaults, DollarNotEscaped) {
  EXPECT_TRUE(notices(escaped_text, [](const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      out += text[i];
      if (text[i] == '$') ++i;
    }
    return out;
  }));
}
TEST(SeededCodecFaults, AddressWithoutItsBackslashes) { EXPECT_TRUE(notices(addresses, with_all('\\', ""))); }
TEST(SeededCodecFaults, BrokenReportMadeWhole) {
  const std::string whole = codec::encode(codec::DeliveryReport{});
  EXPECT_TRUE(notices(broken_reports, [&](const std::string&) { return whole; }));
}
TEST(SeededCodecFaults, CutQueueFileMadeWhole) {
  codec::QueueFileParts parts;
  parts.envelope.arrival = Time{Micros{1'000'000}};
  const std::string whole = codec::write_queue_file(parts).bytes;
  EXPECT_TRUE(notices(cut_queue_files, [&](const std::string&) { return whole; }));
}

}  // namespace
}  // namespace weir::props
