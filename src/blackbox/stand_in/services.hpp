// The services that a queue manager asks: the resolver, bounce, defer, trace, verify, flush. They answer at once, and
// well, if they are not told otherwise.
#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "blackbox/stand_in/hub.hpp"
#include "blackbox/stand_in/notes.hpp"
#include "blackbox/stand_in/wire.hpp"
#include "codec/attr.hpp"
#include "contract/event.hpp"
#include "contract/result.hpp"

namespace weir::blackbox::stand_in {

class Services {
 public:
  Services(Hub& hub, Notes& notes);
  ~Services();

  // All of them, below the queue directory.
  [[nodiscard]] std::optional<Failure> listen(const std::filesystem::path& queue_directory);
  // What they have to say since they were last spoken to: said in an order that does not depend on what came first.
  [[nodiscard]] bool want_to_speak() const { return want_to_speak_; }
  void speak();

  // The resolver's answers from now on.
  void resolve(const std::string& address, const Answer& answer) { answers_[address] = answer; }
  // Its answers are kept back from now on; those that were are said, and the others at once again.
  void stall_resolver() { resolver_stalls_ = true; }
  void let_resolver_answer();
  // Whether one answers from now on that it has done what it was asked for.
  void fail(const std::string& service) { failing_.insert(service); }
  void work(const std::string& service) { failing_.erase(service); }
  // Called with the queue id when bounce has sent a report: its log is gone then.
  void on_bounce(std::function<void(const std::string&)> callback) { on_bounce_ = std::move(callback); }

 private:
  struct Service;
  struct Client;
  using Place = std::list<Client>::iterator;

  void accept(const Service& service);
  void serve(Place place);
  void say(Client& client, std::string_view bytes);
  void answer(Client& client, const codec::AttrList& list);
  void nonsense(const Client& client, const codec::AttrList& list);
  [[nodiscard]] std::optional<std::string> resolver_reply(const codec::AttrList& list) const;
  [[nodiscard]] std::optional<std::string> status_reply(const Service& service, const codec::AttrList& list);

  Hub& hub_;
  Notes& notes_;
  std::map<std::string, Answer> answers_;
  std::set<std::string> failing_;
  std::function<void(const std::string&)> on_bounce_;
  std::vector<std::string> bounced_;  // of which a report was sent
  bool want_to_speak_ = false;
  bool resolver_stalls_ = false;
  std::list<Service> services_;
  std::list<Client> clients_;
};

}  // namespace weir::blackbox::stand_in
