#include "blackbox/surroundings.hpp"

#include <optional>
#include <string_view>

#include "codec/record.hpp"

namespace weir::blackbox {
namespace {

constexpr unsigned kClassDefault = 4096;

std::optional<std::string> value_of(const codec::AttrList& list, std::string_view name) {
  for (const auto& [each, value] : list) {
    if (each == name) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string queue_file(const NewMessage& m, std::int64_t now) {
  std::string envelope, content, bytes;
  codec::append_record(envelope, 'T', std::to_string(now) + " 0");
  const std::int64_t created = m.create_time ? kStart + *m.create_time : now;
  codec::append_record(envelope, 'A', "create_time=" + std::to_string(created));
  codec::append_record(envelope, 'A', "rewrite_context=local");
  codec::append_record(envelope, 'S', m.sender);
  for (const auto& [letter, text] : m.records) codec::append_record(envelope, static_cast<unsigned char>(letter), text);
  for (const std::string& address : m.recipients) codec::append_record(envelope, 'R', address);
  codec::append_record(envelope, 'M', "");
  for (const std::string_view line : {"Subject: x", "", "hello"}) codec::append_record(content, 'N', line);

  constexpr std::size_t kSizeRecord = 2 + 6 * 15 + 5;
  const auto size = static_cast<std::int64_t>(content.size());
  const auto recipients = m.declared.value_or(static_cast<std::int64_t>(m.recipients.size()));
  std::string sizes;
  for (const std::int64_t number : {size, static_cast<std::int64_t>(kSizeRecord + envelope.size()), recipients,
                                    std::int64_t{0}, size, std::int64_t{0}}) {
    sizes += (sizes.empty() ? "" : " ") + codec::wide_number(number);
  }
  codec::append_record(bytes, 'C', sizes);
  bytes += envelope + content;
  codec::append_record(bytes, 'X', "");
  codec::append_record(bytes, 'E', "");
  return bytes;
}

Answer usual_answer(const std::string& address) {
  const std::string domain = address.substr(address.rfind('@') + 1);
  const auto dot = domain.rfind('.');
  return {domain.substr(dot + 1), domain.substr(0, dot), address, kClassDefault};
}

Reported reported(const std::string& service, const codec::AttrList& list) {
  const bool is_verify = service == "verify";
  const bool is_flush = service == "flush";
  Reported seen;
  seen.service = service;
  const auto number = codec::parse_attr_number(value_of(list, "nrequest").value_or("0"));
  seen.nrequest = number ? static_cast<int>(*number) : -1;
  seen.message = value_of(list, "queue_id").value_or("");
  seen.recipient = value_of(list, is_verify ? "address" : is_flush ? "site" : "recipient");
  seen.status = value_of(list, is_verify ? "recipient_status" : "status");
  seen.reason = value_of(list, "reason");
  for (const auto& [name, value] : list) seen.attributes.push_back(name);
  return seen;
}

namespace {

std::optional<std::string> name_between(const std::string& text, std::string_view begin, std::string_view end) {
  if (!text.starts_with(begin)) return std::nullopt;
  return text.substr(begin.size(), text.find(end, begin.size()) - begin.size());
}

}  // namespace

std::optional<std::string> transport_not_connected(const std::string& log_text) {
  return name_between(log_text, "warning: connect to transport private/", ":");
}

std::optional<std::string> transport_not_written(const std::string& log_text) {
  return name_between(log_text, "warning: write to process (", ")");
}

}  // namespace weir::blackbox
