// Every recorded conversation of tests/vectors/wire: decoded to what the manifest says, and made again byte for byte.
#include <functional>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "codec/attr.hpp"
#include "codec/delivery.hpp"
#include "codec/log_line.hpp"
#include "codec/notify.hpp"
#include "codec/resolve.hpp"
#include "codec/trigger.hpp"
#include "observed.hpp"
#include "support/vectors.hpp"

namespace weir::codec {
namespace {

using nlohmann::json;

// One direction of a capture, read from the front, message by message.
struct Direction {
  std::string bytes;
  std::size_t done = 0;
};

struct Capture {
  json about;
  std::map<std::string, Direction> directions;  // "client", "server"
};

Direction load(const json& about, const char* name) {
  if (!about.at("files").contains(name)) return {};
  const std::string file = about.at("files").at(name).at("file");
  return {testing::read_bytes((testing::vectors() / "wire" / file).string())};
}

std::vector<Capture> captures() {
  const json manifest = testing::read_json((testing::vectors() / "wire/manifest.json").string());
  std::vector<Capture> all;
  for (const json& about : manifest.at("captures")) {
    all.push_back({about, {{"client", load(about, "c2s")}, {"server", load(about, "s2c")}}});
  }
  return all;
}

// --- the attribute layer -------------------------------------------------------------------------------

std::string wire_text(const json& attribute) {
  return attribute.at(attribute.contains("wire") ? "wire" : "value").get<std::string>();
}

std::string manifest_bytes(const json& message) {
  AttrWriter out;
  for (const json& attribute : message.at("attributes")) {
    const std::string name = attribute.at("name");
    const std::string type = attribute.at("type");
    if (type == "int") {
      out.number(name, attribute.at("value").get<std::int64_t>());
    } else if (type == "long") {
      out.long_number(name, attribute.at("value").get<std::int64_t>());
    } else if (type == "data") {
      out.data(name, *base64_decode(wire_text(attribute)));
    } else {
      out.text(name, wire_text(attribute));
    }
  }
  return out.end().take();
}

TEST(Captures, EveryListReadsAndWritesAsTheManifestSays) {
  std::size_t lists = 0;
  for (Capture& capture : captures()) {
    SCOPED_TRACE(capture.about.at("id").get<std::string>());
    for (const json& message : capture.about.at("messages")) {
      if (!message.contains("attributes")) continue;
      Direction& direction = capture.directions.at(message.at("from"));
      ASSERT_EQ(message.at("offset").get<std::size_t>(), direction.done);
      const auto parsed = parse_attr_list(std::string_view{direction.bytes}.substr(direction.done));
      ASSERT_TRUE(parsed);
      ASSERT_EQ(direction.done + parsed->size, message.at("end").get<std::size_t>());
      AttrList expected;
      for (const json& attribute : message.at("attributes")) {
        expected.emplace_back(attribute.at("name").get<std::string>(), wire_text(attribute));
      }
      EXPECT_EQ(parsed->list, expected);
      EXPECT_EQ(manifest_bytes(message), direction.bytes.substr(direction.done, parsed->size));
      direction.done += parsed->size;
      ++lists;
    }
    if (!capture.about.at("messages").at(0).contains("attributes")) continue;
    for (const auto& [side, direction] : capture.directions) EXPECT_EQ(direction.done, direction.bytes.size()) << side;
  }
  EXPECT_GT(lists, 150U);
}

void check_value(AttrType type, const AttrValue& value, const json& attribute) {
  EXPECT_TRUE(value.read);
  if (type == AttrType::text) {
    EXPECT_EQ(value.text, attribute.at("value").get<std::string>());
  } else if (type == AttrType::number) {
    EXPECT_EQ(value.int32(), attribute.at("value").get<int>());
  } else if (type == AttrType::long_number) {
    EXPECT_EQ(value.int64(), attribute.at("value").get<std::int64_t>());
  }
}

TEST(Captures, EveryListReadsByWantsOfItsTypes) {
  const std::map<std::string, AttrType> types{
      {"str", AttrType::text}, {"int", AttrType::number}, {"long", AttrType::long_number}, {"data", AttrType::data}};
  for (const Capture& capture : captures()) {
    SCOPED_TRACE(capture.about.at("id").get<std::string>());
    for (const json& message : capture.about.at("messages")) {
      if (!message.contains("attributes")) continue;
      std::vector<AttrWant> wants;
      for (const json& attribute : message.at("attributes")) {
        wants.push_back({attribute.at("name").get<std::string>(), types.at(attribute.at("type"))});
      }
      AttrReader reader{wants, "peer"};
      const std::string& bytes = capture.directions.at(message.at("from")).bytes;
      reader.feed(std::string_view{bytes}.substr(message.at("offset")));
      ASSERT_TRUE(reader.complete());
      for (std::size_t i = 0; i < wants.size(); ++i) {
        const json& attribute = message.at("attributes").at(i);
        check_value(wants[i].type, reader.value(i), attribute);
      }
    }
  }
}

// --- the message layer: each kind is decoded by its own reader and encoded again --------------------------

std::string slice(const Capture& capture, const json& message) {
  const std::size_t start = message.at("offset");
  const std::size_t end = message.at("end");
  return capture.directions.at(message.at("from")).bytes.substr(start, end - start);
}

const json& attribute(const json& message, std::string_view name) {
  for (const json& candidate : message.at("attributes")) {
    if (candidate.at("name") == name) return candidate;
  }
  throw std::runtime_error("no such attribute");
}

Time time_of(const json& pair) {
  return Time{Micros{pair.at(0).get<std::int64_t>() * 1'000'000 + pair.at(1).get<std::int64_t>()}};
}

void check_delivery_request(const json& message, const DeliveryRequest& request, std::size_t recipients) {
  EXPECT_EQ(request.flags, attribute(message, "flags").at("value").get<unsigned>());
  EXPECT_EQ(request.queue_id, attribute(message, "queue_id").at("value"));
  EXPECT_EQ(request.offset, attribute(message, "offset").at("value"));
  EXPECT_EQ(request.size, attribute(message, "size").at("value"));
  EXPECT_EQ(request.nexthop, attribute(message, "nexthop").at("value"));
  EXPECT_EQ(request.encoding, attribute(message, "encoding").at("value"));
  EXPECT_EQ(request.options, attribute(message, "smtputf8").at("value"));
  EXPECT_EQ(request.sender, attribute(message, "sender").at("value"));
  EXPECT_EQ(request.envelope_id, attribute(message, "envelope_id").at("value"));
  EXPECT_EQ(request.return_flags, attribute(message, "ret_flags").at("value"));
  EXPECT_EQ(request.client.name, attribute(message, "log_client_name").at("value"));
  EXPECT_EQ(request.client.helo, attribute(message, "log_helo_name").at("value"));
  EXPECT_EQ(request.sasl_method, attribute(message, "sasl_method").at("value"));
  EXPECT_EQ(request.log_ident, attribute(message, "log_ident").at("value"));
  EXPECT_EQ(request.rewrite_context, attribute(message, "rewrite_context").at("value"));
  EXPECT_EQ(request.recipients.size(), recipients);
  const json& stats = attribute(message, "time").at("msg_stats");
  EXPECT_EQ(request.times.incoming_arrival, time_of(stats.at("incoming_arrival")));
  EXPECT_EQ(request.times.active_arrival, time_of(stats.at("active_arrival")));
  EXPECT_EQ(request.times.reuse_count, stats.at("reuse_count"));
}

// What the queue file must have said for this request to be made.
Envelope envelope_behind(const DeliveryRequest& request, std::string sender, std::string verp) {
  Envelope e;
  e.sender = std::move(sender);
  e.arrival = request.times.incoming_arrival;
  e.data_offset = request.offset;
  e.content_length = request.size;
  e.smtputf8 = request.options & ~kOptionRecipient;
  e.encoding = request.encoding;
  e.envelope_id = request.envelope_id;
  e.return_flags = request.return_flags;
  e.client = request.client;
  e.sasl_method = request.sasl_method;
  e.sasl_username = request.sasl_username;
  e.sasl_sender = request.sasl_sender;
  e.log_ident = request.log_ident;
  e.rewrite_context = request.rewrite_context;
  e.verp_delimiters = std::move(verp);
  return e;
}

TEST(Captures, DeliveryRequests) {
  std::size_t checked = 0;
  for (const Capture& capture : captures()) {
    if (capture.about.at("protocol") != kDeliveryProtocol) continue;
    SCOPED_TRACE(capture.about.at("id").get<std::string>());
    const std::string& bytes = capture.directions.at("client").bytes;
    std::size_t start = 0;
    while (start < bytes.size()) {
      DeliveryRequestReader reader{{}, "private/smtp socket"};
      const std::size_t size = reader.feed(std::string_view{bytes}.substr(start));
      ASSERT_TRUE(reader.request()) << reader.failure();
      const DeliveryRequest& request = *reader.request();
      EXPECT_EQ(encode(request, {}), bytes.substr(start, size));
      for (const json& message : capture.about.at("messages")) {
        if (message.at("kind") != "delivery_request" || message.at("offset") != start) continue;
        check_delivery_request(message, request, attribute(message, "recipient_count").at("value"));
      }
      const bool verp = request.sender == "sender+v1=err.example@local.example";
      const std::string sender = verp ? "sender@local.example" : request.sender;
      const Envelope envelope = envelope_behind(request, sender, verp ? "+=" : "");
      const Deliver deliver{{}, {}, request.nexthop, request.flags, request.recipients};
      EXPECT_EQ(make_delivery_request(envelope, request.queue_id, deliver, request.times.active_arrival, true, {}),
                request);
      start += size;
      ++checked;
    }
  }
  EXPECT_GE(checked, 16U);
}

using Check = std::function<void(const json&, const std::string&)>;

void check_greeting(const json& message, const std::string& bytes) {
  const std::string protocol = attribute(message, "protocol").at("value");
  EXPECT_EQ(encode_greeting(GreetingStyle::protocol, protocol), bytes);
  GreetingReader reader{GreetingStyle::protocol, protocol, "peer"};
  EXPECT_EQ(reader.feed(bytes), bytes.size());
  EXPECT_TRUE(reader.good());
}

void check_delivery_reply(const json& message, const std::string& bytes) {
  DeliveryReportReader reader{"private/smtp socket"};
  reader.feed(bytes);
  ASSERT_TRUE(reader.complete());
  EXPECT_EQ(encode(reader.report()), bytes);
  EXPECT_EQ(reader.delivered({}).dsn.code, message.at("attributes").at(0).at("value"));
  EXPECT_EQ(reader.delivered({}).dsn.text, attribute(message, "reason").at("value"));
  EXPECT_EQ(reader.delivered({}).try_again, message.at("attributes").at(7).at("value") != 0);
}

void check_question(const json& message, const std::string& bytes) {
  const auto question = decode_resolver_question(parse_attr_list(bytes)->list);
  ASSERT_TRUE(question);
  EXPECT_EQ(encode(*question), bytes);
  EXPECT_EQ(std::holds_alternative<ResolveQuestion>(*question), message.at("kind") == "resolve_request");
}

void check_notify(const json&, const std::string& bytes) {
  const auto request = decode_notify_request(parse_attr_list(bytes)->list, {});
  ASSERT_TRUE(request);
  const auto* append = std::get_if<NotifyAppend>(&*request);
  EXPECT_EQ(append != nullptr ? encode(*append) : encode(std::get<NotifyFlush>(*request), {}), bytes);
}

void check_verify_or_flush(const json& message, const std::string& bytes) {
  const AttrList list = parse_attr_list(bytes)->list;
  if (attribute(message, "request").at("value") == "update") {
    ASSERT_TRUE(decode_verify_request(list));
    EXPECT_EQ(encode(*decode_verify_request(list)), bytes);
  } else {
    ASSERT_TRUE(decode_flush_request(list));
    EXPECT_EQ(encode(*decode_flush_request(list)), bytes);
  }
}

void check_status(const json& message, const std::string& bytes) {
  EXPECT_EQ(encode_status(attribute(message, "status").at("value")), bytes);
}

void check_trigger(const json& message, const std::string& bytes) {
  std::string codes;
  for (const json& code : message.at("codes")) {
    if (code != "NUL") codes += code.get<std::string>();
  }
  EXPECT_EQ(trigger_message(codes), bytes);
}

void check_master_status(const json& message, const std::string& bytes) {
  const auto status = decode_master_status(bytes);
  ASSERT_TRUE(status);
  EXPECT_EQ(*status, (MasterStatus{message.at("pid"), message.at("generation"), message.at("avail") == 1}));
  EXPECT_EQ(encode(*status), bytes);
}

void elsewhere(const json&, const std::string&) {}

TEST(Captures, EveryMessageDecodesAndIsMadeAgain) {
  const std::map<std::string, Check> checks{
      {"greeting", check_greeting},
      {"delivery_reply", check_delivery_reply},
      {"resolve_request", check_question},
      {"rewrite_request", check_question},
      {"append", check_notify},
      {"flush", check_notify},
      {"flush_verp", check_notify},
      {"warn", check_notify},
      {"trace", check_notify},
      {"request", check_verify_or_flush},
      {"status_reply", check_status},
      {"trigger", check_trigger},
      {"status", check_master_status},
      {"delivery_request", elsewhere},
      {"recipient", elsewhere},
      {"resolve_reply", elsewhere},
      {"rewrite_reply", elsewhere},
      {"log", elsewhere},
      {"tokens", elsewhere},
  };
  for (const Capture& capture : captures()) {
    SCOPED_TRACE(capture.about.at("id").get<std::string>());
    for (const json& message : capture.about.at("messages")) {
      const auto check = checks.find(message.at("kind"));
      ASSERT_NE(check, checks.end()) << message.at("kind");
      if (message.contains("offset")) check->second(message, slice(capture, message));
    }
  }
}

// All questions of a capture are asked at once, then the server's whole side comes.
TEST(Captures, ResolverSessions) {
  std::size_t answers = 0;
  for (const Capture& capture : captures()) {
    if (capture.about.at("protocol") != kRewriteProtocol) continue;
    SCOPED_TRACE(capture.about.at("id").get<std::string>());
    const std::string& server = capture.directions.at("server").bytes;
    ResolverSession session;
    session.feed(server.substr(0, 35));
    ASSERT_TRUE(session.may_write());
    std::string asked;
    for (const json& message : capture.about.at("messages")) {
      if (message.at("from") != "client") continue;
      asked += session.ask(*decode_resolver_question(parse_attr_list(slice(capture, message))->list));
    }
    EXPECT_EQ(asked, capture.directions.at("client").bytes);
    session.feed(server.substr(35));
    std::string answered;
    while (const auto reply = session.next()) {
      answered += encode(*reply);
      ++answers;
    }
    EXPECT_EQ(answered, server.substr(35));
    EXPECT_TRUE(session.usable());
    EXPECT_EQ(session.unanswered(), 0U);
  }
  EXPECT_GE(answers, 12U);
}

TEST(Captures, ServiceExchanges) {
  const std::map<std::string, Service> services{{"private/bounce", Service::bounce},
                                                {"private/defer", Service::defer},
                                                {"private/trace", Service::trace},
                                                {"private/verify", Service::verify},
                                                {"public/flush", Service::flush}};
  std::size_t checked = 0;
  for (const Capture& capture : captures()) {
    const auto service = services.find(capture.about.at("socket"));
    if (service == services.end()) continue;
    SCOPED_TRACE(capture.about.at("id").get<std::string>());
    const std::string& server = capture.directions.at("server").bytes;
    const std::size_t greeting = capture.about.at("messages").at(0).at("end");
    ServiceExchange exchange{service->second, {}, service->first + " socket"};
    exchange.feed(std::string_view{server}.substr(0, greeting));
    ASSERT_EQ(exchange.state(), ServiceExchange::State::may_write);
    exchange.sent();
    exchange.feed(std::string_view{server}.substr(greeting));
    EXPECT_TRUE(exchange.ok());
    ++checked;
  }
  EXPECT_EQ(checked, 12U);
}

// "Nov 22 09:35:28 test postfix/qmgr[25382]: ..."
std::tm noon_of_the_capture() {
  std::tm local{};
  local.tm_mon = 10;
  local.tm_mday = 22;
  local.tm_hour = 9;
  local.tm_min = 35;
  local.tm_sec = 28;
  return local;
}

TEST(Captures, PostlogDatagrams) {
  LogDelivery delivery;
  delivery.queue_id = "8DC13A740ED";
  delivery.recipient.address = "x@nosvc.example";
  delivery.arrival = Time{Micros{0}};
  delivery.active_arrival = Time{Micros{40'000}};
  delivery.now = Time{Micros{100'000}};
  delivery.dsn = {"4.3.0", "mail transport unavailable"};
  delivery.status = "deferred";
  const std::vector<LogLine> lines{
      line::queue_active("8DC13A740ED", "sender@local.example", 318, 1, {}),
      line::connect_transport_failed("nosuchsvc", "No such file or directory"),
      line::connect_transport_failed("retry", "Connection refused"),
      render(delivery, {}).at(0),
  };
  std::size_t next = 0;
  for (const Capture& capture : captures()) {
    if (capture.about.at("protocol") != "postlog datagram") continue;
    const LogLine& line = lines.at(next++);
    EXPECT_EQ(postlog_datagram(noon_of_the_capture(), "test.example", "postfix/qmgr", 25382, line.severity,
                               clean_log_text(line.text, true)),
              capture.directions.at("client").bytes);
  }
  EXPECT_EQ(next, lines.size());
}

}  // namespace
}  // namespace weir::codec
