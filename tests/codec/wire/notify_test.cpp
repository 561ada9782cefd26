#include "codec/notify.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace weir::codec {
namespace {

using testing::bytes;
using Texts = std::vector<std::string>;
using State = ServiceExchange::State;

Envelope envelope() {
  Envelope e;
  e.sender = "sender@local.example";
  e.encoding = "8bit";
  e.smtputf8 = 1;
  e.envelope_id = "QQ1";
  e.return_flags = 2;
  e.verp_delimiters = "+=";
  return e;
}

AttrList list_of(const ServiceRequest& request, const Dialect& dialect = {}) {
  const auto parsed = parse_attr_list(encode_service_request(request, "7A", envelope(), dialect));
  EXPECT_TRUE(parsed);
  return parsed ? parsed->list : AttrList{};
}

NotifyFlush report_of(Service service, ReportRequest::Kind kind, bool verp, unsigned flags) {
  const auto decoded = decode_notify_request(list_of(ReportRequest{service, kind, verp, flags}), {});
  EXPECT_TRUE(decoded);
  return decoded ? std::get<NotifyFlush>(*decoded) : NotifyFlush{};
}

TEST(Notify, AppendCarriesRecipientAndReason) {
  AppendRequest request;
  request.service = Service::defer;
  request.flags = 1024;
  request.recipient = {669, "x@nosvc.example", "orig@x", "rfc822;orig@x", 12};
  request.dsn = {"4.3.0", "mail transport unavailable"};
  request.action = "delayed";
  NotifyAppend expected;
  expected.flags = 1024;
  expected.queue_id = "7A";
  expected.recipient = request.recipient;
  expected.status = "4.3.0";
  expected.action = "delayed";
  expected.reason = "mail transport unavailable";
  EXPECT_EQ(decode_notify_request(list_of(request), {}), NotifyRequest{expected});
  EXPECT_EQ(parse_attr_list(encode(expected))->list, list_of(request));
}

TEST(Notify, ReportCommands) {
  EXPECT_EQ(report_of(Service::bounce, ReportRequest::Kind::flush, false, 0).command, NotifyCommand::flush);
  EXPECT_EQ(report_of(Service::bounce, ReportRequest::Kind::flush, true, 0).command, NotifyCommand::verp);
  EXPECT_EQ(report_of(Service::defer, ReportRequest::Kind::warn, false, 0).command, NotifyCommand::warn);
  EXPECT_EQ(report_of(Service::trace, ReportRequest::Kind::trace, false, 512).command, NotifyCommand::trace);
  EXPECT_EQ(report_of(Service::trace, ReportRequest::Kind::trace, false, 512).flags, 512U);
  EXPECT_EQ(report_of(Service::defer, ReportRequest::Kind::flush, false, 2).flags, 2U);
}

TEST(Notify, ReportCarriesTheEnvelope) {
  const NotifyFlush report = report_of(Service::bounce, ReportRequest::Kind::flush, true, 0);
  EXPECT_EQ(report.queue_name, "active");
  EXPECT_EQ(report.queue_id, "7A");
  EXPECT_EQ(report.encoding, "8bit");
  EXPECT_EQ(report.options, 1);
  EXPECT_EQ(report.sender, "sender@local.example");
  EXPECT_EQ(report.envelope_id, "QQ1");
  EXPECT_EQ(report.return_flags, 2);
  EXPECT_EQ(report.verp_delimiters, "+=");
  EXPECT_EQ(report_of(Service::bounce, ReportRequest::Kind::flush, false, 0).verp_delimiters, "");
}

TEST(Notify, OptionNameFollowsTheRelease) {
  const Dialect newer = dialect_for(*parse_mail_version("3.10.0"));
  const ServiceRequest request = ReportRequest{Service::bounce, ReportRequest::Kind::flush, false, 0};
  EXPECT_EQ(list_of(request).at(5).first, "smtputf8");
  EXPECT_EQ(list_of(request, newer).at(5).first, "sendopts");
  EXPECT_FALSE(decode_notify_request(list_of(request, newer), {}));
}

TEST(Notify, ServersRefuseNonsenseAndSkipWhatFollows) {
  AttrList list = list_of(ReportRequest{Service::bounce, ReportRequest::Kind::flush, false, 0});
  list.emplace_back("more", "x");
  EXPECT_TRUE(decode_notify_request(list, {}));
  list.erase(list.begin() + 3);
  EXPECT_FALSE(decode_notify_request(list, {}));
  EXPECT_FALSE(decode_notify_request({}, {}));
  EXPECT_FALSE(decode_notify_request({{"nrequest", "4"}}, {}));
  EXPECT_FALSE(decode_notify_request({{"nrequest", "99"}}, {}));
  EXPECT_FALSE(decode_notify_request({{"nrequest", "x"}}, {}));
}

TEST(Notify, VerifyAndFlush) {
  EXPECT_EQ(decode_verify_request(list_of(VerifyUpdate{"a@x", 2, "no such user"})),
            (VerifyRequest{"a@x", 2, "no such user"}));
  EXPECT_EQ(decode_flush_request(list_of(FlushAdd{"x.example"})), (FlushRequest{"x.example", "7A"}));
  EXPECT_FALSE(decode_verify_request({{"request", "query"}, {"address", "a"}}));
  EXPECT_FALSE(decode_flush_request({{"request", "send_site"}, {"site", "a"}}));
  EXPECT_FALSE(decode_verify_request(list_of(FlushAdd{"x"})));
  EXPECT_FALSE(decode_flush_request(list_of(VerifyUpdate{"a", 0, ""})));
}

TEST(Notify, ServiceOfRequest) {
  EXPECT_EQ(service_of(AppendRequest{.service = Service::trace, .flags = 0, .recipient = {}, .dsn = {}, .action = ""}),
            Service::trace);
  EXPECT_EQ(service_of(ReportRequest{Service::bounce, ReportRequest::Kind::flush, false, 0}), Service::bounce);
  EXPECT_EQ(service_of(VerifyUpdate{}), Service::verify);
  EXPECT_EQ(service_of(FlushAdd{}), Service::flush);
}

TEST(Notify, WhatCountsAsDone) {
  for (const Service service : {Service::bounce, Service::defer, Service::trace, Service::verify, Service::flush}) {
    EXPECT_TRUE(service_ok(service, 0));
    EXPECT_FALSE(service_ok(service, -1));
    EXPECT_FALSE(service_ok(service, 3));
  }
  EXPECT_TRUE(service_ok(Service::flush, 4));
  EXPECT_FALSE(service_ok(Service::defer, 4));
}

// --- exchange ------------------------------------------------------------------------------------------

ServiceExchange defer(const Dialect& dialect = {}) { return {Service::defer, dialect, "private/defer socket"}; }

ServiceExchange defer_asked() {
  ServiceExchange exchange = defer();
  exchange.feed(encode_greeting(GreetingStyle::protocol, kStatusProtocol));
  exchange.sent();
  return exchange;
}

TEST(Exchange, GreetingRequestStatus) {
  ServiceExchange exchange = defer();
  EXPECT_EQ(exchange.state(), State::greeting);
  exchange.feed(encode_greeting(GreetingStyle::protocol, kStatusProtocol));
  EXPECT_EQ(exchange.state(), State::may_write);
  exchange.sent();
  EXPECT_EQ(exchange.state(), State::status);
  exchange.feed(encode_status(0));
  EXPECT_EQ(exchange.state(), State::answered);
  EXPECT_EQ(exchange.status(), 0);
  EXPECT_TRUE(exchange.ok());
  EXPECT_TRUE(exchange.take_warnings().empty());
}

TEST(Exchange, ByteByByte) {
  ServiceExchange exchange = defer();
  for (const char c : encode_greeting(GreetingStyle::protocol, kStatusProtocol)) exchange.feed({&c, 1});
  EXPECT_EQ(exchange.state(), State::may_write);
  exchange.sent();
  for (const char c : encode_status(-1)) exchange.feed({&c, 1});
  EXPECT_EQ(exchange.state(), State::answered);
  EXPECT_EQ(exchange.status(), -1);
  EXPECT_FALSE(exchange.ok());
}

TEST(Exchange, OldServersDoNotGreet) {
  ServiceExchange exchange = defer(dialect_for(*parse_mail_version("3.5.9")));
  EXPECT_EQ(exchange.state(), State::may_write);
}

TEST(Exchange, BadGreeting) {
  ServiceExchange exchange = defer();
  exchange.feed(bytes("protocol\0X\0\0"));
  EXPECT_EQ(exchange.state(), State::failed);
  EXPECT_EQ(exchange.status(), -1);
  EXPECT_EQ(exchange.take_warnings(),
            Texts{"unexpected protocol X from private/defer socket (expected: delivery_status_protocol)"});
}

TEST(Exchange, SilentHangUps) {
  ServiceExchange at_greeting = defer();
  at_greeting.end_of_file();
  EXPECT_EQ(at_greeting.state(), State::failed);
  EXPECT_TRUE(at_greeting.hung_up());
  EXPECT_TRUE(at_greeting.take_warnings().empty());

  ServiceExchange at_status = defer_asked();
  at_status.end_of_file();
  EXPECT_EQ(at_status.state(), State::failed);
  EXPECT_TRUE(at_status.hung_up());
  EXPECT_FALSE(at_status.ok());
}

TEST(Exchange, MalformedStatus) {
  for (const std::string& bad : {bytes("\0"), bytes("status\0x\0"),
                                 bytes("x\0"
                                       "0\0\0")}) {
    ServiceExchange exchange = defer_asked();
    exchange.feed(bad);
    EXPECT_EQ(exchange.state(), State::failed);
    EXPECT_EQ(exchange.take_warnings().size(), 1U);
  }
  ServiceExchange cut = defer_asked();
  cut.feed(
      bytes("status\0"
            "0\0"));
  cut.time_out();
  EXPECT_EQ(cut.state(), State::failed);
  EXPECT_EQ(cut.take_warnings(), Texts{"timeout on private/defer socket while reading input attribute name"});
}

TEST(Exchange, TimeOutOfAStalledGreeting) {
  ServiceExchange exchange = defer();
  exchange.feed("pro");
  exchange.time_out();
  EXPECT_EQ(exchange.state(), State::failed);
  EXPECT_EQ(exchange.take_warnings().size(), 1U);
}

TEST(Exchange, KeptConnectionTakesTheNextRequest) {
  ServiceExchange exchange{Service::verify, {}, "private/verify socket"};
  exchange.feed(encode_greeting(GreetingStyle::protocol, kVerifyProtocol));
  for (const std::int32_t status : {0, -1, 0}) {
    exchange.sent();
    EXPECT_FALSE(exchange.ok());
    exchange.feed(encode_status(status));
    EXPECT_EQ(exchange.state(), State::answered);
    EXPECT_EQ(exchange.status(), status);
  }
}

}  // namespace
}  // namespace weir::codec
