// stand_in: what a queue manager under test might say to the stand-ins around it, each byte of it over a socket.
//
//   x = (pieces, who, stream): who is a delivery agent, one of the services, the log daemon or master
//   any pieces of stream              =   stream in one piece: the same observations, the same misbehaviour
//   an observation                    :   is shown as one line
//   log                               :   a line for each datagram, none of them longer
//   master                            :   misbehaviour <=> a whole record is not one of its own
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "blackbox/stand_in/agents.hpp"
#include "blackbox/stand_in/hub.hpp"
#include "blackbox/stand_in/log.hpp"
#include "blackbox/stand_in/master.hpp"
#include "blackbox/stand_in/notes.hpp"
#include "blackbox/stand_in/services.hpp"
#include "codec/trigger.hpp"
#include "contract/check.hpp"
#include "fuzz/bytes.hpp"
#include "fuzz/folder.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

using namespace blackbox;
using namespace blackbox::stand_in;
namespace fs = std::filesystem;

constexpr const char* kTransport = "agent";
constexpr int kPid = 4711;
constexpr std::uint64_t kLinesMax = 1000;
constexpr const char* kServices[] = {"private/rewrite", "private/bounce", "private/defer",
                                     "private/trace",   "private/verify", "public/flush"};

const fs::path& folder() {
  static const Folder own;
  static const bool made = fs::create_directory(own.path() / "private") && fs::create_directory(own.path() / "public");
  WEIR_CHECK(made);
  return own.path();
}

Descriptor datagram_client(const fs::path& path) {
  Descriptor made(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  WEIR_CHECK(path.native().copy(address.sun_path, sizeof address.sun_path - 1) == path.native().size());
  WEIR_CHECK(connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return made;
}

void serve(Hub& hub) {
  while (hub.run(std::chrono::milliseconds{0}) > 0) {}
}

void say(int fd, std::string_view bytes) {
  WEIR_CHECK(send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

void say_all(Hub& hub, const Notes& notes, int fd, std::string_view stream, std::uint8_t pieces) {
  in_pieces(stream, pieces, [&](std::string_view piece) {
    if (notes.misbehaviour) return;  // there the trial ends
    say(fd, piece);
    serve(hub);
  });
}

Notes with_agent(std::string_view stream, std::uint8_t pieces, bool early) {
  Hub hub;
  Notes notes;
  Agents agents(hub, notes, folder());
  WEIR_CHECK(!agents.listen(kTransport));
  Descriptor client = connect_local(folder() / kTransport);
  serve(hub);
  if (!early) WEIR_CHECK(agents.greet(kTransport));
  say_all(hub, notes, client.get(), stream, pieces);
  if (early && !notes.misbehaviour) WEIR_CHECK(agents.greet(kTransport));
  if (agents.request(1) != nullptr && !notes.misbehaviour) agents.report(1, {});
  client.reset();
  if (!notes.misbehaviour) serve(hub);
  agents.unlisten(kTransport);
  return notes;
}

// The sockets stay, for they cost the most; misbehaviour is the end of a stand-in.
struct ServicesScene {
  ServicesScene() {
    for (const char* name : kServices) fs::remove(folder() / name);
    WEIR_CHECK(!services.listen(folder()));
  }
  Hub hub;
  Notes notes;
  Services services{hub, notes};
};

Notes with_service(std::string_view name, std::string_view stream, std::uint8_t pieces) {
  static std::unique_ptr<ServicesScene> scene;
  if (!scene || scene->notes.misbehaviour) {
    scene.reset();
    scene = std::make_unique<ServicesScene>();
  }
  scene->notes = {};
  Descriptor client = connect_local(folder() / name);
  serve(scene->hub);
  scene->services.speak();
  say_all(scene->hub, scene->notes, client.get(), stream, pieces);
  if (!scene->notes.misbehaviour) scene->services.speak();
  client.reset();
  if (!scene->notes.misbehaviour) serve(scene->hub);
  return scene->notes;
}

Notes with_master(std::string_view stream, std::uint8_t pieces) {
  Hub hub;
  Notes notes;
  Master master(hub, notes);
  fs::remove(folder() / "trigger");
  WEIR_CHECK(!master.open(folder() / "trigger"));
  const Descriptor status(dup(master.inheritance().at(2).ours));
  master.started(kPid);
  say_all(hub, notes, status.get(), stream, pieces);
  return notes;
}

void check_shown(const Notes& notes) {
  for (const Observation& each : notes.seen) {
    const std::string line = show(each);
    WEIR_CHECK(!line.empty() && line.find('\n') == std::string::npos);
  }
}

void check_equal(const Notes& whole, const Notes& other) {
  WEIR_CHECK(whole.seen == other.seen && whole.broke_off == other.broke_off);
  WEIR_CHECK(whole.misbehaviour.has_value() == other.misbehaviour.has_value());
  check_shown(whole);
}

void check_master(std::string_view stream, const Notes& notes) {
  bool good = true;
  for (; stream.size() >= codec::kMasterStatusSize; stream.remove_prefix(codec::kMasterStatusSize)) {
    const auto record = codec::decode_master_status(stream.substr(0, codec::kMasterStatusSize));
    good = good && record && record->pid == kPid && record->generation == kGeneration;
  }
  WEIR_CHECK(good == !notes.misbehaviour.has_value());
}

void check_log(std::string_view stream, bool show_allocate) {
  Hub hub;
  Notes notes;
  const fs::path path = folder() / "log";
  fs::remove(path);
  stand_in::Log log(hub, notes, folder(), "postfix/qmgr", show_allocate, kLinesMax);
  WEIR_CHECK(!log.listen(path));
  const Descriptor client = datagram_client(path);
  std::vector<std::string_view> lines;
  while (!stream.empty() && !notes.misbehaviour) {
    const auto length = std::min(stream.find('\n'), stream.size());
    lines.push_back(stream.substr(0, length));
    stream.remove_prefix(std::min(length + 1, stream.size()));
    say(client.get(), lines.back());
    serve(hub);
  }
  WEIR_CHECK(notes.misbehaviour || log.lines().size() == lines.size());
  for (std::size_t i = 0; i < log.lines().size(); ++i) WEIR_CHECK(lines[i].starts_with(log.lines()[i]));
  WEIR_CHECK(notes.seen.size() <= lines.size());
  check_shown(notes);
}

}  // namespace

void run(std::string_view input) {
  Bytes bytes(input);
  const std::uint8_t pieces = bytes.byte();
  const std::uint8_t what = bytes.byte();
  const std::uint8_t who = what % 16;
  const bool flag = (what & 128) != 0;
  const std::string_view stream = bytes.rest();
  if (who < std::size(kServices)) {
    check_equal(with_service(kServices[who], stream, 0), with_service(kServices[who], stream, pieces));
  } else if (who == 6) {
    check_log(stream, flag);
  } else if (who == 7) {
    const Notes whole = with_master(stream, 0);
    check_equal(whole, with_master(stream, pieces));
    check_master(stream, whole);
  } else {
    check_equal(with_agent(stream, 0, flag), with_agent(stream, pieces, flag));
  }
}

}  // namespace weir::fuzz
