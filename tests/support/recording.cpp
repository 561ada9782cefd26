#include "support/recording.hpp"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace weir::testing {
namespace {

using Json = nlohmann::json;
using namespace blackbox;

// The recorder wrote bytes as code points.
std::string bytes_of(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80 || i + 1 == text.size()) {
      bytes += text[i];
    } else {
      bytes += static_cast<char>((lead & 0x03U) << 6U | (static_cast<unsigned char>(text[++i]) & 0x3fU));
    }
  }
  return bytes;
}

std::int64_t seconds(const Json& line) { return std::llround(line.at("t").get<double>()); }

Setup setup(const Json& line) {
  Setup setup;
  for (const auto& [name, value] : line.at("params").items()) setup.parameters[name] = value.get<std::string>();
  setup.transports = line.at("transports").get<std::vector<std::string>>();
  setup.absent = line.value("absent", std::vector<std::string>{});
  setup.show_allocate = line.value("show_allocate", false);
  return setup;
}

Answer answer(const std::string& address, const Json& r) {
  return {r.at(0), r.at(1), r.size() > 2 ? r.at(2).get<std::string>() : address,
          r.size() > 3 ? r.at(3).get<unsigned>() : 4096U};
}

NewMessage message(const Json& line) {
  NewMessage message;
  message.name = line.at("msg");
  message.recipients = line.at("rcpts").get<std::vector<std::string>>();
  const Json resolved = line.value("resolved", Json::object());
  for (const auto& [address, each] : resolved.items()) message.resolved[address] = answer(address, each);
  message.sender = line.value("sender", message.sender);
  message.queue = line.value("queue", "incoming") == "incoming" ? Queue::incoming : Queue::deferred;
  message.wake = line.value("wake", true);
  if (line.contains("rcpt_count")) message.declared = line["rcpt_count"].get<std::int64_t>();
  for (const Json& record : line.value("records", Json::array())) {
    message.records.emplace_back(record.at(0).get<std::string>().at(0), record.at(1).get<std::string>());
  }
  message.mode = line.value("mode", message.mode);
  if (line.contains("create_time")) message.create_time = line["create_time"].get<std::int64_t>();
  return message;
}

Reply reply(const Json& line) {
  Reply reply;
  reply.request = line.at("id");
  reply.status = line.at("status");
  reply.mark = line.value("mark", true);
  if (line.contains("dsn")) reply.dsn = {line["dsn"].at(0), line["dsn"].at(1)};
  if (line.contains("raw")) reply.raw = bytes_of(line["raw"]);
  return reply;
}

Input input(const Json& line) {
  const std::string kind = line.at("in");
  if (kind == "config") return setup(line);
  if (kind == "message") return message(line);
  if (kind == "slot") return Slot{line.at("transport")};
  if (kind == "hangup") return HangUp{line.at("transport")};
  if (kind == "reply") return reply(line);
  if (kind == "crash") return Crash{line.at("id")};
  if (kind == "advance") return Advance{line.at("seconds")};
  if (kind == "jump") return Jump{line.at("seconds")};
  if (kind == "trigger") return TriggerInput{line.at("bytes")};
  if (kind == "bounce-log") return BounceLogAppears{line.at("msg")};
  if (kind == "unlisten") return Unlisten{line.at("transport")};
  if (kind == "relisten") return Relisten{line.at("transport")};
  throw std::runtime_error("unknown input " + kind);
}

std::optional<std::string> text_or_nothing(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<std::string>());
}

Reported reported(const Json& line) {
  const Json& statuses = line.at("status");
  return {line.at("service"),
          line.at("nrequest"),
          line.at("msg"),
          text_or_nothing(line.at("recipient")),
          statuses.empty() ? std::nullopt : std::optional(statuses.at(0).get<std::string>()),
          text_or_nothing(line.at("reason")),
          line.at("attrs").get<std::vector<std::string>>()};
}

Requested requested(const Json& line) {
  Requested request{line.at("id"), line.at("transport"), line.at("nexthop"), line.at("msg"),
                    line.at("rcpts").get<std::vector<std::string>>()};
  request.flags = line.value("flags", request.flags);
  request.sender = line.value("sender", request.sender);
  return request;
}

Moved moved(const Json& line) {
  Moved moved{line.at("msg"), line.at("to"), std::nullopt};
  if (line.contains("wakeup")) moved.wakeup = line["wakeup"].get<std::int64_t>();
  return moved;
}

Sight sight(const Json& line) {
  const std::string kind = line.at("out");
  if (kind == "log") return LogText{bytes_of(line.at("text"))};
  if (kind == "allocate") return Allocated{line.at("transport")};
  if (kind == "connect") return Connected{line.at("transport"), line.at("waiting")};
  if (kind == "close") return Closed{line.at("transport")};
  if (kind == "request") return requested(line);
  if (kind == "rpc") return reported(line);
  if (kind == "queue") return moved(line);
  if (kind == "exit") return Exited{line.at("status")};
  throw std::runtime_error("unknown output " + kind);
}

}  // namespace

std::vector<RecordedStep> read_recording(const std::filesystem::path& path) {
  std::vector<RecordedStep> steps;
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    const Json line = Json::parse(text);
    if (line.contains("in")) {
      steps.push_back({input(line), seconds(line), {}});
    } else {
      steps.at(steps.size() - 1).expected.push_back({seconds(line), sight(line)});
    }
  }
  for (RecordedStep& step : steps) step.expected = canonical(std::move(step.expected));
  if (steps.empty() || !std::holds_alternative<Setup>(steps.front().input)) {
    throw std::runtime_error(path.string() + " is no recording");
  }
  return steps;
}

}  // namespace weir::testing
