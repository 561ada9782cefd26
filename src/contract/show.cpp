#include "contract/show.hpp"

#include "contract/json_text.hpp"

namespace weir {
namespace {

template <class T>
std::string text_of(const T& value) {
  JsonText text;
  text.value(value);
  return text.take();
}

}  // namespace

std::string show(const Event& event) { return text_of(event); }
std::string show(const Command& command) { return text_of(command); }
std::string show(const LogRecord& record) { return text_of(record); }
std::string show(const Recipient& recipient) { return text_of(recipient); }
std::string show(const Envelope& envelope) { return text_of(envelope); }
std::string show(const Snapshot& snapshot) { return text_of(snapshot); }

}  // namespace weir
