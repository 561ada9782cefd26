// Twin: a brain in surroundings without an operating system that answer as the stand-ins around a real process do
// (process.hpp). What the brain of a personality decides in them is what any process of that personality must be seen
// to do.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "blackbox/party.hpp"
#include "contract/brain.hpp"
#include "contract/config.hpp"

namespace weir::blackbox {

class Twin final : public Party {
 public:
  using MakeBrain = std::function<std::unique_ptr<Brain>(const Config&)>;
  using Check = std::function<std::vector<std::string>(const Brain&)>;  // what is wrong after an event

  // `personality`: qmgr, nqmgr, oqmgr or nqmgr-2003. Files are listed by name.
  Twin(std::string personality, MakeBrain make, Check check = {});
  ~Twin() override;

  [[nodiscard]] std::vector<Observation> apply(const Input& input) override;

  [[nodiscard]] std::vector<std::string> take_broken();  // what Check has said

  // A listing in another order: the names of files in a queue that is going to be scanned.
  using Listing = std::function<void(std::vector<std::string>& names)>;
  void list_by(Listing order);

 private:
  class World;
  std::unique_ptr<World> world_;
};

// What main.cf of the setup means to that program.
[[nodiscard]] Config config_of(const Setup& setup, const std::string& personality);

}  // namespace weir::blackbox
