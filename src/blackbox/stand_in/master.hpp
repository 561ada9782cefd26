// What master(8) is to a queue manager: the trigger socket, the status channel, the pipe with flow tokens.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "blackbox/stand_in/hub.hpp"
#include "blackbox/stand_in/notes.hpp"
#include "blackbox/stand_in/wire.hpp"
#include "blackbox/subject.hpp"
#include "contract/result.hpp"

namespace weir::blackbox::stand_in {

inline constexpr unsigned kGeneration = 1;

class Master {
 public:
  Master(Hub& hub, Notes& notes) : hub_(hub), notes_(notes) {}
  ~Master();

  [[nodiscard]] std::optional<Failure> open(const std::filesystem::path& trigger_socket);
  [[nodiscard]] std::vector<Inherited> inheritance() const;  // of the service
  void started(int pid);                                     // it has

  // In one connection, closed at once.
  void trigger(std::string_view bytes);

 private:
  void read_status();

  Hub& hub_;
  Notes& notes_;
  std::filesystem::path trigger_path_;
  Descriptor flow_read_, flow_write_, status_, their_status_, trigger_socket_;
  std::string status_bytes_;
  int pid_ = 0;
};

}  // namespace weir::blackbox::stand_in
