#include "codec/delivery.hpp"

#include <gtest/gtest.h>

#include "observed.hpp"
#include "support.hpp"

namespace weir::codec {
namespace {

using testing::bytes;
using Texts = std::vector<std::string>;

constexpr const char* kPath = "private/smtp socket";

Recipient recipient(std::string address, std::int64_t offset = 650) {
  return {.offset = offset, .address = address, .original = address, .dsn_orcpt = "rfc822;" + address, .notify = 0};
}

Envelope envelope() {
  Envelope e;
  e.sender = "sender@local.example";
  e.arrival = Time{Micros{1'795'340'014'384'594}};
  e.data_offset = 737;
  e.data_size = 300;
  e.content_length = 296;
  e.log_ident = "75956A7406C";
  e.client = {"localhost", "127.0.0.1", "40608", "ESMTP", "client.example"};
  return e;
}

Deliver deliver(std::vector<Recipient> recipients) {
  return {.agent = {}, .message = {}, .nexthop = "[127.0.0.1]:2611", .flags = 3, .recipients = std::move(recipients)};
}

DeliveryReportReader read_report(std::string_view data, bool timed_out = false) {
  DeliveryReportReader reader{kPath};
  reader.feed(data);
  if (timed_out) {
    reader.time_out();
  } else {
    reader.end_of_file();
  }
  return reader;
}

std::string report_bytes(std::string status, std::string reason, std::int32_t final_status) {
  DeliveryReport report;
  report.status = std::move(status);
  report.reason = std::move(reason);
  report.final_status = final_status;
  return encode(report);
}

// --- request -------------------------------------------------------------------------------------------

TEST(MessageTimes, BothWays) {
  const MessageTimes times{.incoming_arrival = Time{Micros{1'795'340'014'384'594}},
                           .active_arrival = Time{Micros{1'795'340'053'030'145}},
                           .agent_handoff = Time{Micros{1}},
                           .connection_done = Time{Micros{-1}},
                           .delivery_done = Time{},
                           .reuse_count = 7};
  const std::string coded = encode_message_times(times);
  EXPECT_EQ(coded.size(), kMessageTimesSize);
  EXPECT_EQ(decode_message_times(coded), times);
  EXPECT_EQ(base64_encode(coded).size(), 120U);
  EXPECT_EQ(base64_encode(coded).substr(118), "==");
}

TEST(MessageTimes, RefusesOtherSizesAndImpossibleTimes) {
  const std::string good = encode_message_times({});
  EXPECT_FALSE(decode_message_times(good.substr(1)));
  EXPECT_FALSE(decode_message_times(good + '\0'));
  std::string far = good;
  for (std::size_t i = 0; i < 7; ++i) far[i] = '\xff';
  far[7] = '\x7f';
  EXPECT_FALSE(decode_message_times(far));
  std::string micros = good;
  micros[15] = '\x01';
  EXPECT_FALSE(decode_message_times(micros));
}

TEST(DeliveryRequest, BuiltFromEnvelopeAndCommand) {
  const Deliver command = deliver({recipient("a@sink.example"), recipient("b@sink.example")});
  const DeliveryRequest request = make_delivery_request(envelope(), "75956A7406C", command, Time{Micros{5}}, true, {});
  EXPECT_EQ(request.flags, 3U);
  EXPECT_EQ(request.queue_name, "active");
  EXPECT_EQ(request.queue_id, "75956A7406C");
  EXPECT_EQ(request.offset, 737);
  EXPECT_EQ(request.size, 296);
  EXPECT_EQ(request.nexthop, "[127.0.0.1]:2611");
  EXPECT_EQ(request.options, 0);
  EXPECT_EQ(request.sender, "sender@local.example");
  EXPECT_EQ(request.times, (MessageTimes{.incoming_arrival = envelope().arrival, .active_arrival = Time{Micros{5}}}));
  EXPECT_EQ(request.rewrite_context, "local");
  EXPECT_EQ(request.recipients.size(), 2U);
}

TEST(DeliveryRequest, BothWays) {
  for (const char* version : {"3.5.0", "3.7.11", "3.11.0"}) {
    const Dialect dialect = dialect_for(*parse_mail_version(version));
    const DeliveryRequest request = make_delivery_request(
        envelope(), "75956A7406C", deliver({recipient("a@x"), recipient("b@x", -1)}), Time{Micros{5}}, true, dialect);
    const std::string coded = encode(request, dialect);
    DeliveryRequestReader whole{dialect, kPath};
    EXPECT_EQ(whole.feed(coded + "x"), coded.size());
    EXPECT_EQ(whole.request(), request);
    DeliveryRequestReader slow{dialect, kPath};
    for (const char c : coded) slow.feed(std::string_view{&c, 1});
    EXPECT_EQ(slow.request(), request);
  }
}

TEST(DeliveryRequest, WrongOptionNameIsRefusedByTheAgent) {
  const Dialect newer = dialect_for(*parse_mail_version("3.10.0"));
  const DeliveryRequest request =
      make_delivery_request(envelope(), "1", deliver({recipient("a@x")}), Time{}, true, newer);
  DeliveryRequestReader reader{{}, "smtp socket"};
  reader.feed(encode(request, newer));
  EXPECT_FALSE(reader.request());
  EXPECT_EQ(reader.failure(), "deliver_request_get: error receiving common attributes");
  EXPECT_EQ(reader.warnings(), Texts{"unexpected attribute sendopts from smtp socket (expecting: smtputf8)"});
}

TEST(DeliveryRequest, AgentRefusals) {
  const auto refusal = [](const std::string& data) {
    DeliveryRequestReader reader{{}, kPath};
    reader.feed(data);
    reader.end_of_file();
    EXPECT_TRUE(reader.done());
    EXPECT_FALSE(reader.request());
    return reader.failure();
  };
  DeliveryRequest request = make_delivery_request(envelope(), "7A", deliver({recipient("a@x")}), Time{}, true, {});
  const std::string good = encode(request, {});
  EXPECT_EQ(refusal(""), "");  // closed without asking
  EXPECT_EQ(refusal(good.substr(0, 100)), "deliver_request_get: error receiving common attributes");
  EXPECT_EQ(refusal(good.substr(0, good.size() - 1)), "deliver_request_get: error receiving recipient attributes");
  request.recipients.clear();
  EXPECT_EQ(refusal(encode(request, {})), "7A: no recipients in delivery request for destination [127.0.0.1]:2611");
  std::string many = good;
  const std::string count = bytes(
      "recipient_count\0"
      "1\0");
  many.replace(many.find(count), count.size(),
               bytes("recipient_count\0"
                     "2000000\0"));
  EXPECT_EQ(refusal(many), "deliver_request_get: error receiving recipient attributes");
}

TEST(DeliveryRequest, TimeProfileOfAnotherPlatform) {
  DeliveryRequest request = make_delivery_request(envelope(), "7A", deliver({recipient("a@x")}), Time{}, true, {});
  std::string data = encode(request, {});
  const std::size_t start = data.find(bytes("time\0")) + 5;
  data.replace(start, 120, "eHl6");
  DeliveryRequestReader reader{{}, kPath};
  reader.feed(data);
  EXPECT_EQ(reader.warnings(), Texts{"msg_stats_scan: size mis-match: 3 != 88"});
  EXPECT_FALSE(reader.request());
}

// --- VERP, options -------------------------------------------------------------------------------------

TEST(Verp, Sender) {
  EXPECT_EQ(verp_sender("sender@local.example", "+=", recipient("v1@err.example")),
            "sender+v1=err.example@local.example");
  EXPECT_EQ(verp_sender("sender", "+=", recipient("v1@err.example")), "sender+v1=err.example");
  EXPECT_EQ(verp_sender("sender@local.example", "+=", recipient("v1")), "sender+v1@local.example");
  EXPECT_EQ(verp_sender("a@b@c", "-:", recipient("u@v@w")), "a@b-u@v:w@c");
  Recipient aliased = recipient("new@x");
  aliased.original = "old@y";
  EXPECT_EQ(verp_sender("s@l", "+=", aliased), "s+old=y@l");
  aliased.original.clear();
  EXPECT_EQ(verp_sender("s@l", "+=", aliased), "s+new=x@l");
  EXPECT_EQ(verp_sender("s@l", "", aliased), "s@l");
}

TEST(Verp, RequestCarriesTheExpandedSender) {
  Envelope e = envelope();
  e.verp_delimiters = "+=";
  const auto request = make_delivery_request(e, "7A", deliver({recipient("v1@err.example")}), Time{}, true, {});
  EXPECT_EQ(request.sender, "sender+v1=err.example@local.example");
}

TEST(Utf8, AsObserved) {
  for (const auto& pair : testing::observed_text("utf8")) {
    const std::string text = testing::from_hex(pair.at(0).get<std::string>());
    EXPECT_EQ(is_utf8(text), pair.at(1).get<int>() == 1) << pair.at(0);
  }
}

TEST(Options, RecipientBitIsSetPerRequest) {
  Envelope e = envelope();
  e.smtputf8 = kOptionRequested;
  const std::vector<Recipient> plain{recipient("a@x")};
  const std::vector<Recipient> utf8{recipient("a@x"), recipient("\xc3\xa9@x")};
  const std::vector<Recipient> latin1{recipient("\xe9@x")};
  EXPECT_EQ(request_options(e, plain, true, {}), 1);
  EXPECT_EQ(request_options(e, utf8, true, {}), 9);
  EXPECT_EQ(request_options(e, latin1, true, {}), 1);
  EXPECT_EQ(request_options(e, utf8, false, {}), 1);
  e.verp_delimiters = "+=";
  EXPECT_EQ(request_options(e, utf8, true, {}), 13);
  EXPECT_EQ(request_options(e, plain, true, {}), 1);
}

TEST(Options, MaskOfTheRelease) {
  Envelope e = envelope();
  e.smtputf8 = 0x71;
  EXPECT_EQ(request_options(e, {}, true, dialect_for(*parse_mail_version("3.7.11"))), 0x71);
  EXPECT_EQ(request_options(e, {}, true, dialect_for(*parse_mail_version("3.7.13"))), 0x01);
  EXPECT_EQ(request_options(e, {}, true, dialect_for(*parse_mail_version("3.10.0"))), 0x31);
}

// --- report --------------------------------------------------------------------------------------------

TEST(Report, AllDone) {
  const DeliveryReportReader reader = read_report(report_bytes("", "", 0));
  EXPECT_EQ(reader.delivered(AgentId{7}),
            (Delivered{.agent = AgentId{7}, .complete = true, .try_again = false, .dsn = {}}));
  EXPECT_TRUE(reader.warnings().empty());
}

TEST(Report, TryAgain) {
  for (const std::int32_t status : {-1, 1, 4}) {
    const DeliveryReportReader reader = read_report(report_bytes("", "", status));
    EXPECT_TRUE(reader.delivered({}).complete);
    EXPECT_TRUE(reader.delivered({}).try_again);
    EXPECT_EQ(reader.report().final_status, status);
  }
}

TEST(Report, TroubleWithTheDestination) {
  const Delivered delivered = read_report(report_bytes("4.4.1", "connect to x: refused", -1)).delivered({});
  EXPECT_TRUE(delivered.complete);
  EXPECT_TRUE(delivered.try_again);
  EXPECT_EQ(delivered.dsn, (Dsn{"4.4.1", "connect to x: refused"}));
}

TEST(Report, StatusIsPassedOnAsItCame) {
  EXPECT_EQ(read_report(report_bytes("what", "", -1)).delivered({}).dsn, (Dsn{"what", ""}));
  EXPECT_EQ(read_report(report_bytes("5.1.1", "x", 0)).delivered({}).dsn, (Dsn{"5.1.1", "x"}));
  EXPECT_FALSE(read_report(report_bytes("5.1.1", "x", 0)).delivered({}).try_again);
}

TEST(Report, SurplusAttributeIsAccepted) {
  std::string data = report_bytes("", "", -1);
  data.insert(data.size() - 1, bytes("zz\0y\0"));
  const DeliveryReportReader reader = read_report(data);
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.warnings(),
            Texts{"unexpected attribute zz from private/smtp socket (expecting: (list terminator))"});
}

TEST(Report, MissingIsACrashWithoutAnyWord) {
  const DeliveryReportReader reader = read_report("");
  EXPECT_FALSE(reader.begun());
  EXPECT_EQ(reader.delivered({}), (Delivered{.agent = {}, .complete = false, .try_again = false, .dsn = {}}));
  EXPECT_EQ(reader.warnings(), Texts{"private/smtp socket: malformed response"});
}

TEST(Report, EveryCutIsACrash) {
  const std::string whole = report_bytes("4.4.1", "refused", -1);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    for (const bool timed_out : {false, true}) {
      const DeliveryReportReader reader = read_report(whole.substr(0, size), timed_out);
      EXPECT_TRUE(reader.done());
      EXPECT_FALSE(reader.delivered({}).complete) << size;
      EXPECT_EQ(reader.warnings().size(), size == 0 ? 1U : 2U) << size;
      EXPECT_EQ(reader.warnings().back(), "private/smtp socket: malformed response");
    }
  }
  EXPECT_TRUE(read_report(whole).complete());
}

TEST(Report, BrokenAfterTheCodeSaysTheCode) {
  const std::string whole = report_bytes("4.1.1", "gone", -1);
  const auto cut_after = [&](const std::string& text) {
    return read_report(whole.substr(0, whole.find(text) + text.size())).delivered({}).dsn;
  };
  EXPECT_EQ(cut_after(bytes("4.1.1\0")), (Dsn{"4.1.1", ""}));
  EXPECT_EQ(cut_after(bytes("4.1")), (Dsn{"4.1", ""}));
  EXPECT_EQ(cut_after(bytes("reason\0gone\0")), (Dsn{"4.1.1", "gone"}));
  EXPECT_EQ(cut_after(bytes("status\0")), (Dsn{"", ""}));
}

TEST(Report, WhatIsKeptOfAReasonIsBounded) {
  const std::string longest(kReasonMax, 'x');
  const auto kept = [](const std::string& reason) {
    return read_report(report_bytes("4.4.1", reason, -1)).delivered({});
  };
  EXPECT_EQ(kept(longest).dsn.text, longest);
  EXPECT_TRUE(kept(longest + "y").complete);
  EXPECT_EQ(kept(longest + "y").dsn, (Dsn{"4.4.1", longest}));
  EXPECT_EQ(read_report(report_bytes(longest + "y", "", -1)).delivered({}).dsn.code, longest);
}

TEST(Report, OutOfOrderOrNotANumber) {
  EXPECT_FALSE(read_report(bytes("reason\0x\0\0")).complete());
  EXPECT_FALSE(read_report(bytes("\0")).complete());
  std::string data = report_bytes("", "", 0);
  data.replace(data.size() - 3, 1, "x");
  const DeliveryReportReader reader = read_report(data);
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.warnings(), (Texts{"malformed numerical data from private/smtp socket while reading input "
                                      "attribute value: x",
                                      "private/smtp socket: malformed response"}));
}

}  // namespace
}  // namespace weir::codec
