// Local sockets of the stand-ins: listening ones, and connections whose output waits until it can be written.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "blackbox/descriptor.hpp"
#include "blackbox/stand_in/hub.hpp"
#include "contract/result.hpp"

namespace weir::blackbox::stand_in {

// Non-blocking; everybody may connect. `type`: SOCK_STREAM, which listens, or SOCK_DGRAM.
[[nodiscard]] Result<Descriptor> bind_local(const std::filesystem::path& path, int type);
// A stream socket, connected; not open if nobody takes the connection at once.
[[nodiscard]] Descriptor connect_local(const std::filesystem::path& path);

// One accepted connection. Watched by the hub as long as it is open.
class Wire {
 public:
  Wire(Hub& hub, Descriptor socket) : hub_(hub), socket_(std::move(socket)) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() { close(); }

  // Called whenever there may be something to read().
  void watch(Hub::Callback callback);

  enum class Got { bytes, nothing, end };
  [[nodiscard]] Got read(std::string& bytes);  // appends what has come

  void write(std::string_view bytes);  // now or later
  void flush();                        // what is left over from earlier
  void finish();                       // close when all is written
  void close();
  [[nodiscard]] bool open() const { return socket_.open(); }

 private:
  Hub& hub_;
  Descriptor socket_;
  std::string unwritten_;
  bool waits_ = false;  // for room to write
  bool finishing_ = false;
};

}  // namespace weir::blackbox::stand_in
