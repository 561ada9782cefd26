// Delivery agents of all transports. They greet, report or die only when they are told to.
#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "blackbox/stand_in/hub.hpp"
#include "blackbox/stand_in/notes.hpp"
#include "blackbox/stand_in/wire.hpp"
#include "codec/delivery.hpp"
#include "contract/result.hpp"

namespace weir::blackbox::stand_in {

class Agents {
 public:
  // Sockets are made in `folder`.
  Agents(Hub& hub, Notes& notes, std::filesystem::path folder);
  ~Agents();

  // What went wrong, if anything did. `listens` a transport that does already: false.
  [[nodiscard]] std::optional<Failure> listen(const std::string& transport);
  [[nodiscard]] bool listens(const std::string& transport) const { return listeners_.contains(transport); }
  void unlisten(const std::string& transport);

  // Of the oldest connection that waits; false if there is none.
  [[nodiscard]] bool greet(const std::string& transport);
  [[nodiscard]] bool hang_up(const std::string& transport);

  // Asked about each request: whether what it says of the file is so.
  void on_request(std::function<bool(const codec::DeliveryRequest&)> callback) { is_true_ = std::move(callback); }

  // A running request, nullptr if there is none.
  [[nodiscard]] const codec::DeliveryRequest* request(int id) const;
  void report(int id, const codec::DeliveryReport& report);
  void report_raw(int id, std::string_view bytes);  // then the end
  void crash(int id);

 private:
  struct Agent;
  using Place = std::list<std::unique_ptr<Agent>>::iterator;

  void accept(const std::string& transport);
  void serve(Place place);
  void hear(Agent& agent);
  void hear_request(Agent& agent);
  void gone(Place place);
  [[nodiscard]] Agent* oldest_waiting(const std::string& transport);
  [[nodiscard]] std::unique_ptr<Agent> take(Agent* agent);

  Hub& hub_;
  Notes& notes_;
  std::filesystem::path folder_;
  std::map<std::string, Descriptor> listeners_;
  std::list<std::unique_ptr<Agent>> agents_;  // by age
  std::map<std::string, int> waiting_;        // how many
  std::map<int, Agent*> requests_;            // running
  int last_request_ = 0;
  std::function<bool(const codec::DeliveryRequest&)> is_true_;
};

}  // namespace weir::blackbox::stand_in
