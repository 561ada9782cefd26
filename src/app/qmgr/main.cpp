// The queue manager daemon: wiring only. What it does at start is in start.hpp, what it decides in the brain, what
// it does with files and peers in the driver.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/qmgr/start.hpp"
#include "codec/trigger.hpp"
#include "contract/brain.hpp"
#include "engine/engine.hpp"
#include "model/model.hpp"
#include "postfix/driver.hpp"
#include "postfix/flow.hpp"
#include "postfix/loop.hpp"
#include "postfix/master.hpp"
#include "postfix/process.hpp"
#include "postfix/trace_recorder.hpp"
#include "postfix/trigger_listener.hpp"
#include "postfix/voice.hpp"
#include "postfix/watchdog.hpp"

namespace weir::app {
namespace {

std::unique_ptr<Brain> make_brain(Start& start) {
  const std::string& name = start.settings().weir_brain;
  if (name == "engine") return engine::make_engine(start.config());
  if (name == "model") return model::make_model(start.config());
  start.log().fatal("invalid parameter setting \"weir_brain = " + name + "\"");
}

// The brain itself; with weir_trace, one that records what it does.
struct Brains {
  std::unique_ptr<Brain> brain;
  postfix::TraceRecorder* recorder = nullptr;
};

Brains make_brains(Start& start, Time now) {
  std::unique_ptr<Brain> brain = make_brain(start);
  const codec::ProcessSettings& settings = start.settings();
  if (settings.weir_trace.empty()) return {std::move(brain)};
  TraceHeader header{.personality = settings.weir_personality, .brain = settings.weir_brain, .start = now};
  header.config = start.config();
  auto recorder = std::make_unique<postfix::TraceRecorder>(
      std::move(brain), start.log(),
      postfix::TraceRecorder::Settings{settings.weir_trace, settings.weir_trace_limit, settings.weir_trace_hashed},
      std::move(header));
  postfix::TraceRecorder* const place = recorder.get();
  return {std::move(recorder), place};
}

postfix::TriggerListener::Kind listener_kind(const std::string& transport_type) {
  if (transport_type == "fifo") return postfix::TriggerListener::Kind::pipe;
  if (transport_type == "pass") return postfix::TriggerListener::Kind::passed_on;
  return postfix::TriggerListener::Kind::socket;
}

class Daemon {
 public:
  explicit Daemon(Start& start)
      : start_(start),
        log_(start.log()),
        brains_(make_brains(start, loop_.now())),
        driver_(loop_, log_, start.settings(), *brains_.brain, start.dialect()) {
    loop_.on_failure([this](std::string_view text) { log_.fatal(text); });
  }

  // Standard input is the one and only trigger.
  void run_standalone() {
    driver_.start();
    std::string bytes(codec::kTriggerMax, '\0');
    errno = 0;
    const ssize_t got = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got <= 0) log_.fatal("read: " + (errno == 0 ? "Application error" : postfix::reason_of(errno)));
    bytes.resize(static_cast<std::size_t>(got));
    trigger(std::move(bytes));
  }

  [[noreturn]] void run() {
    const codec::Options& options = start_.options();
    postfix::Master master(postfix::kStatusFd, start_.generation(), [this] { leave(); });
    driver_.start();
    //= R-TRG-10  what made master start the process waits there
    const postfix::TriggerListener listener(loop_, log_, master, listener_kind(options.transport_type.value_or("")),
                                            postfix::kFirstListenFd, options.socket_count,
                                            [this](std::string bytes) { trigger(std::move(bytes)); });
    master.watch(loop_);
    postfix::close_on_exec(postfix::kFlowReadFd, postfix::kFirstListenFd + options.socket_count - 1);
    postfix::Watchdog watchdog(loop_, log_, start_.settings().qmgr_daemon_timeout);
    for (;;) {
      watchdog.turn(loop_.now());
      driver_.turn();
      loop_.run_round(driver_.wants_turn());
    }
  }

 private:
  void trigger(std::string bytes) {
    const std::optional<std::string> failure = codec::left_over_failure(start_.options());
    if (failure) log_.fatal(*failure);
    driver_.trigger(std::move(bytes));
  }

  // Master is gone, or wants another process in our place. Whatever is going on is taken up by the next one.
  //= R-CFG-02
  [[noreturn]] void leave() {
    if (log_.verbosity() > 0) log_.info("master disconnect -- exiting");
    if (brains_.recorder != nullptr) brains_.recorder->finish();
    std::exit(0);
  }

  Start& start_;
  postfix::ProcessLog& log_;
  postfix::Loop loop_;
  Brains brains_;
  postfix::Driver driver_;
};

}  // namespace
}  // namespace weir::app

int main(int argc, char** argv) {
  weir::app::Start start(std::vector<std::string>(argv, argv + argc));
  start.run();
  weir::postfix::raise_descriptor_limit();
  weir::app::Daemon daemon(start);
  if (!start.options().standalone) daemon.run();
  daemon.run_standalone();
  return 0;
}
