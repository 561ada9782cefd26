#include "codec/greeting.hpp"

#include <utility>

namespace weir::codec {
namespace {

[[nodiscard]] std::vector<AttrWant> wants_for(GreetingStyle style, std::string_view protocol) {
  if (style == GreetingStyle::status) return {{"status", AttrType::number}};
  return {{"protocol", AttrType::fixed, std::string{protocol}}};
}

}  // namespace

std::string encode_greeting(GreetingStyle style, std::string_view protocol) {
  switch (style) {
    case GreetingStyle::none: return {};
    case GreetingStyle::status: return AttrWriter{}.number("status", 0).end().take();
    case GreetingStyle::protocol: return AttrWriter{}.text("protocol", protocol).end().take();
  }
  return {};
}

std::string peer_path(std::string_view socket_name) { return std::string{socket_name} + " socket"; }

GreetingReader::GreetingReader(GreetingStyle style, std::string_view protocol, std::string path) : style_(style) {
  if (style != GreetingStyle::none) reader_.emplace(wants_for(style, protocol), std::move(path));
}

std::size_t GreetingReader::feed(std::string_view bytes) { return reader_ ? reader_->feed(bytes) : 0; }

void GreetingReader::end_of_file() {
  if (reader_) reader_->end_of_file();
}

void GreetingReader::time_out() {
  if (reader_) reader_->time_out();
}

bool GreetingReader::good() const {
  if (!reader_) return true;
  if (!reader_->done()) return false;
  if (style_ == GreetingStyle::protocol) return reader_->result() == 0;
  return reader_->result() == 1 && reader_->value(0).number == 0;
}

bool GreetingReader::begun() const { return reader_ && !reader_->untouched(); }

std::vector<std::string> GreetingReader::warnings() const {
  return reader_ ? reader_->warnings() : std::vector<std::string>{};
}

}  // namespace weir::codec
