// Promises: what the manual pages say of any queue manager, whatever its schedule: limits, accounting, backoff,
// order of scans, rest for dead destinations. Judged from inputs and observations alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "blackbox/ledger.hpp"
#include "contract/config.hpp"

namespace weir::blackbox {

struct BrokenPromise {
  std::string requirement;  // row id
  std::string seen;         // what it did
  std::string allowed;      // what it should have done
};

// Counts how often each promise was put to the test; the first one that is broken.
class Promises {
 public:
  explicit Promises(Config config) : config_(std::move(config)) {}

  // Whether it matters to any: then the books before it are needed too.
  [[nodiscard]] static bool is_about(const Observation& observation);

  // Before it is done.
  void look_at(const Input& input, const Ledger& books);
  // `before`: the books before the observation; after it has been entered, `after`.
  void look_at(const Observation& observation, const Ledger& before, const Ledger& after);
  // When it is idle.
  void look_at_rest(const Ledger& books);
  // When all agents have been of service for long: whatever could be delivered has been.
  void look_at_end(const Ledger& books);

  [[nodiscard]] const std::optional<BrokenPromise>& broken() const { return broken_; }
  [[nodiscard]] const std::map<std::string, std::uint64_t>& tested() const { return tested_; }

 private:
  // Of the last delivery of each, for rate delays; in seconds that have passed, whatever the clock was set to.
  using Ends = std::map<std::string, std::int64_t>;

  void test(std::string_view requirement, bool kept, const std::string& seen, const std::string& allowed);
  void request(const Requested& requested, std::int64_t at, const Ledger& before, const Ledger& after);
  void limits(const Requested& requested, std::int64_t at, const std::string& what, const Ledger& after);
  void pause(std::string_view requirement, Seconds delay, const Ends& ends, const std::string& whose, std::int64_t now,
             const std::string& what);
  void move(const Moved& moved, std::int64_t at, const Ledger& before, const Ledger& after);

  Config config_;
  std::map<std::string, std::uint64_t> tested_;
  std::optional<BrokenPromise> broken_;
  bool forced_ = false;  // time stamps have been declared void by a trigger: later scans may have been asked for it too
  Ends last_of_destination_, last_of_transport_;
};

}  // namespace weir::blackbox
