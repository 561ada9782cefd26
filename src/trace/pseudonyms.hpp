// Pseudonyms: the addresses and reason texts of a run replaced by others that lead to the same decisions.
//
// A brain that is given hidden events gives the hidden form of the commands that it would have given, so a judge needs
// to know nothing but the trace. For that, pseudonyms keep what decisions look at: which addresses are equal, which
// differ in case or extension only, their order, their domains, and which of them are special. Spec: spec/trace.md,
// "Hidden addresses". They are made in the order of asking and held in memory; the same run gives the same ones.
// Tested in tests/trace/pseudonyms_test.cpp and props/trace_props.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "contract/command.hpp"
#include "contract/config.hpp"
#include "contract/event.hpp"

namespace weir::trace {

// A number for each string, in the order of the strings; given once, for good.
class Ranks {
 public:
  // Nothing: there is no number left between its neighbours.
  [[nodiscard]] std::optional<std::uint64_t> rank(const std::string& text);
  [[nodiscard]] bool knows(const std::string& text) const { return ranks_.count(text) > 0; }
  [[nodiscard]] std::size_t size() const { return ranks_.size(); }

 private:
  std::map<std::string, std::uint64_t> ranks_;
  std::optional<std::uint64_t> newest_;
};

class Pseudonyms {
 public:
  explicit Pseudonyms(const Config& config);

  // The settings that a brain needs for hidden events.
  [[nodiscard]] Config hidden(Config config);
  [[nodiscard]] Event hidden(Event event);
  [[nodiscard]] Command hidden(Command command);

  // False for ever once some string could not be hidden without a change of decisions; what was given out since must
  // not be used.
  [[nodiscard]] bool good() const { return good_; }
  // About how much memory they take.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  [[nodiscard]] std::string address(const std::string& address);
  [[nodiscard]] std::string nexthop(const std::string& nexthop);
  [[nodiscard]] std::string reason(const std::string& text);  // the text of a DSN
  [[nodiscard]] std::string opaque(const std::string& text);  // equal or not, empty or not: nothing else matters

 private:
  friend class Hide;
  [[nodiscard]] std::string localpart(const std::string& localpart, const std::string& mark, bool alone);
  [[nodiscard]] std::string destination(const std::string& name);
  [[nodiscard]] std::string without_extension(const std::string& localpart, const std::string& double_bounce) const;
  std::uint64_t rank(Ranks& ranks, const std::string& text);

  std::string delimiters_, double_bounce_, hidden_double_bounce_;
  bool owner_request_special_;
  bool sorts_folded_ = false, names_mailboxes_ = false;
  std::map<std::string, Ranks> addresses_;  // by domain
  Ranks mailboxes_;                         // localparts without extension, folded
  Ranks reasons_;                           // folded
  std::map<std::string, std::size_t> opaque_;
  std::size_t bytes_ = 0;
  bool good_ = true;
};

}  // namespace weir::trace
