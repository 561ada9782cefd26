// Situations: the model's state and its environment together, in one form for all histories that lead to the same
// future.
//
// Two situations are one when they differ only in
//   ids            renamed by what they stand for: a message by its file, an entry by message and first recipient, a
//                  destination by its place in its transport, a job by its place in its message, and so on;
//   the clock      times are relative to now, and what is long enough ago is just that: age of a queue file beyond
//                  backoff and lifetime, the last completion at a destination, a clog warning that is due, a refill
//                  delay that has passed, a remembered candidate of an earlier second;
//   tags           only "equals the transport's" counts;
//   time stamps    that only log lines show.
// All that is exact. One thing can be otherwise: how long a message has been in memory is told apart up to
// World::age_max seconds; beyond that only the order of such messages is kept. Without preemption nothing else counts,
// so it is exact too. With preemption a world either stops time before (World::age_stop), or merges what is not quite
// one, so that runs in which a message never leaves become cycles (World::exact() is false).
//
// A situation is kept as bytes that can be read back, so recognition is exact: no hash stands for a state.
#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/explorer/environment.hpp"
#include "model/state.hpp"

namespace weir::explorer {

class Codec {
 public:
  // `config` is what the brain goes by: the world's, unless a fault is planted there.
  Codec(const World& world, Config config);

  // `state` must be at rest: between events, with the clock of `environment`.
  [[nodiscard]] std::string encode(const model::State& state, const Environment& environment);
  void decode(std::string_view bytes, model::State& state, Environment& environment);

  // Words and numbers stand in the bytes as their place in these tables.
  [[nodiscard]] std::uint64_t word(const std::string& text);
  [[nodiscard]] const std::string& word(std::uint64_t place) const { return words_.at(place); }
  [[nodiscard]] std::uint64_t real(double value);
  [[nodiscard]] double real_at(std::uint64_t place) const { return std::bit_cast<double>(reals_.at(place)); }

  [[nodiscard]] const World& world() const { return world_; }
  void learn(const std::string& transport, const TransportConfig& config) {
    transports_.try_emplace(transport, config);
  }
  [[nodiscard]] const TransportConfig& transport(const std::string& name) const { return transports_.at(name); }
  [[nodiscard]] Seconds file_age_max() const { return file_age_max_; }
  [[nodiscard]] const Config& config() const { return config_; }

 private:
  const World& world_;
  Config config_;
  Seconds file_age_max_{0};
  std::vector<std::string> words_;
  std::unordered_map<std::string, std::uint64_t> word_places_;
  std::vector<std::uint64_t> reals_;
  std::unordered_map<std::uint64_t, std::uint64_t> real_places_;
  std::map<std::string, TransportConfig> transports_;  // in force, as the model has them
};

}  // namespace weir::explorer
