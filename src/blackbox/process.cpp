#include "blackbox/process.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <optional>
#include <utility>

#include "blackbox/clock_page.h"
#include "blackbox/scratch.hpp"
#include "blackbox/stand_in/agents.hpp"
#include "blackbox/stand_in/hub.hpp"
#include "blackbox/stand_in/log.hpp"
#include "blackbox/stand_in/master.hpp"
#include "blackbox/stand_in/notes.hpp"
#include "blackbox/stand_in/services.hpp"
#include "blackbox/subject.hpp"
#include "blackbox/virtual_clock.hpp"

namespace weir::blackbox {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookEvery{100};          // at a subject that does not come to rest
constexpr int kDiskLookEvery = 64;                            // times at rest
constexpr std::uint64_t kMemoryMax = std::uint64_t{2} << 30;  // bytes
constexpr int kLastRunsMax = 10'000;                          // of the hub, when a subject has ended
constexpr std::uint64_t kVerboseLines = 10;                   // where it would log one without -v
constexpr const char* kSetgidGroup = "postdrop";

bool is_root() { return geteuid() == 0; }

std::optional<Owner> owner_of(const std::string& account) {
  const passwd* found = getpwnam(account.c_str());
  if (found == nullptr) return std::nullopt;
  return Owner{found->pw_uid, found->pw_gid};
}

// The subject has a working directory of its own.
SubjectOptions absolute(SubjectOptions options) {
  std::error_code ignored;
  for (fs::path* path : {&options.program, &options.preload, &options.scratch}) *path = fs::absolute(*path, ignored);
  return options;
}

// Debian's, or on a machine without Postfix that of the account.
std::string setgid_group(const Owner& owner) {
  if (getgrnam(kSetgidGroup) != nullptr) return kSetgidGroup;
  const group* own = getgrgid(owner.group);
  return own != nullptr ? own->gr_name : kSetgidGroup;
}

std::map<std::string, std::string> main_cf(const SubjectOptions& options, const Owner& owner, const Setup& setup) {
  std::map<std::string, std::string> all = {{"queue_directory", Scratch::queue(options.scratch)},
                                            {"data_directory", Scratch::data(options.scratch)},
                                            {"config_directory", Scratch::configuration(options.scratch)},
                                            {"command_directory", "/usr/sbin"},
                                            {"daemon_directory", "/usr/lib/postfix/sbin"},
                                            {"mail_owner", options.mail_owner},
                                            {"setgid_group", setgid_group(owner)},
                                            {"local_recipient_maps", ""},
                                            {"maillog_file", "/var/log/weir-blackbox.log"}};  // never opened
  std::map<std::string, std::string> chosen = setup.parameters;
  chosen.merge(std::map<std::string, std::string>(base_parameters()));
  all.merge(chosen);
  return all;
}

std::vector<std::string> command_line(const SubjectOptions& options, const Setup& setup) {
  std::vector<std::string> line = {options.program.filename(), "-l", "-t", "unix"};
  if (is_root()) line.emplace_back("-u");
  if (setup.show_allocate) line.emplace_back("-v");
  line.insert(line.end(), options.arguments.begin(), options.arguments.end());
  line.insert(line.end(), setup.arguments.begin(), setup.arguments.end());
  return line;
}

std::vector<std::string> environment(const SubjectOptions& options) {
  return {"MAIL_CONFIG=" + Scratch::configuration(options.scratch).string(), "PATH=/usr/bin:/bin",
          "LD_PRELOAD=" + options.preload.string(), WEIR_CLOCK_VARIABLE "=1",
          "GENERATION=" + std::to_string(stand_in::kGeneration), "LANG=C", "TZ=UTC",
          "POSTLOG_SERVICE=" + (Scratch::queue(options.scratch) / "public/postlog").string(),
          "POSTLOG_HOSTNAME=mx.test.example",
          // For a subject built with sanitizers: others may be preloaded, and it may not look for leaks in a process
          // of its own.
          "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0:abort_on_error=1"};
}

// In place of an exit status, where that says more.
Sight end_of(int status) {
  switch (status) {
    case WEIR_CLOCK_FAILED: return Misbehaved{"cannot be started: it finds no clock"};
    case kSubjectNotStarted: return Misbehaved{"cannot be started"};
    case -SIGSYS: return Misbehaved{"forks or starts a thread"};
    case -SIGXFSZ: return Misbehaved{"fills the disk"};
    default: return Exited{status};
  }
}

}  // namespace

class Process::Impl {
 public:
  explicit Impl(SubjectOptions options) : options_(absolute(std::move(options))) {}

  std::vector<Observation> apply(const Input& input);
  [[nodiscard]] const std::vector<std::string>& whole_log() const { return log_ ? log_->lines() : kept_log_; }

 private:
  void act(const Setup& setup);
  void act(const NewMessage& message);
  void act(const Slot& slot);
  void act(const HangUp& hangup);
  void act(const Reply& reply);
  void act(const Crash& crash);
  void act(const Advance& advance);
  void act(const Jump& jump);
  void act(const TriggerInput& trigger) { master_->trigger(trigger.bytes); }
  void act(const BounceLogAppears& log);
  void act(const Unlisten& unlisten) { agents_->unlisten(unlisten.transport); }
  void act(const Relisten& relisten);
  void act(const ServiceFails& fails) { services_->fail(fails.service); }
  void act(const ServiceWorks& works) { services_->work(works.service); }
  void act(const ResolverStalls&) { services_->stall_resolver(); }
  void act(const ResolverAnswers&) { services_->let_resolver_answer(); }
  void act(const Hold& hold);
  void act(const Release& release);
  void act(const FileIsCut& cut);

  [[nodiscard]] std::optional<Failure> start(const Setup& setup);
  [[nodiscard]] std::optional<Failure> make_surroundings(const Setup& setup, const Owner& owner);
  [[nodiscard]] std::optional<Failure> start_subject(const Setup& setup);

  void settle();
  [[nodiscard]] bool came_to_rest();
  void give_answers();
  void look_at_costs();
  void look_at_disk();
  void note_moves();
  void note_end(std::size_t seen_before);
  void move_to(std::int64_t virtual_second);
  void close_down();

  SubjectOptions options_;
  stand_in::Hub hub_;
  stand_in::Notes notes_;
  std::unique_ptr<Scratch> scratch_;
  std::optional<stand_in::Log> log_;
  std::optional<stand_in::Services> services_;
  std::optional<stand_in::Agents> agents_;
  std::optional<stand_in::Master> master_;
  std::optional<VirtualClock> clock_;
  std::optional<Subject> subject_;
  std::vector<std::string> kept_log_;
  steady_clock::time_point give_up_;
  int rests_ = 0;
  std::optional<int> ended_;
  bool over_ = false;
};

// --- inputs --------------------------------------------------------------------------------------------

std::vector<Observation> Process::Impl::apply(const Input& input) {
  const bool is_setup = std::holds_alternative<Setup>(input);
  if (over_ || is_setup == subject_.has_value()) return {};
  if (clock_) clock_->hold();
  std::visit([this](const auto& each) { act(each); }, input);
  if (!over_) settle();
  return canonical(std::exchange(notes_.seen, {}));
}

void Process::Impl::act(const Setup& setup) {
  if (const auto failed = start(setup)) {
    notes_.see(Misbehaved{"cannot be started: " + failed->text});
    close_down();
  }
}

void Process::Impl::act(const NewMessage& message) {
  for (const auto& [address, answer] : message.resolved) services_->resolve(address, answer);
  if (!codec::is_queue_id(stand_in::id_of(message.name)) || scratch_->knows(message.name)) {
    return notes_.see(NothingThere{"a free name " + message.name});
  }
  if (!scratch_->put(message, notes_.now)) return notes_.see(NothingThere{"room for message " + message.name});
  if (message.wake) master_->trigger(message.queue == Queue::deferred ? "D" : "I");
}

void Process::Impl::act(const Slot& slot) {
  if (!agents_->greet(slot.transport)) notes_.see(no_connection(slot.transport));
}

void Process::Impl::act(const HangUp& hangup) {
  if (!agents_->hang_up(hangup.transport)) notes_.see(no_connection(hangup.transport));
}

void Process::Impl::act(const Reply& reply) {
  const codec::DeliveryRequest* request = agents_->request(reply.request);
  if (request == nullptr) return notes_.see(no_request(reply.request));
  if (reply.status == 0 && reply.mark && scratch_->mark_done(*request, notes_.now) == Scratch::Marked::nonsense) {
    return notes_.misbehaves("names a file or an offset that no recipient has, in request " +
                             std::to_string(reply.request));
  }
  if (reply.raw) return agents_->report_raw(reply.request, *reply.raw);
  codec::DeliveryReport report;
  report.status = reply.dsn.code;
  report.reason = reply.dsn.text;
  report.final_status = reply.status;
  agents_->report(reply.request, report);
}

void Process::Impl::act(const Crash& crash) {
  if (agents_->request(crash.request) == nullptr) return notes_.see(no_request(crash.request));
  agents_->crash(crash.request);
}

// Seconds in which a subject at rest has nothing to do are passed over: it would not notice them.
void Process::Impl::act(const Advance& advance) {
  const std::int64_t end = notes_.now + std::max<std::int64_t>(advance.seconds, 0);
  while (notes_.now < end && !over_) {
    const auto next = clock_->next_second();
    move_to(std::clamp(next ? *next - kStart : end, notes_.now + 1, end));
    settle();
  }
}

void Process::Impl::act(const Jump& jump) { move_to(second_after(jump, notes_.now)); }

void Process::Impl::act(const BounceLogAppears& log) {
  if (!scratch_->put_bounce_log(log.message)) notes_.see(no_message(log.message));
}

void Process::Impl::act(const Hold& hold) {
  if (!scratch_->hold(hold.message)) notes_.see(no_waiting_message(hold.message));
}

void Process::Impl::act(const Release& release) {
  if (!scratch_->release(release.message)) notes_.see(no_held_message(release.message));
}

void Process::Impl::act(const FileIsCut& cut) {
  if (!scratch_->cut(cut.message, notes_.now)) notes_.see(no_message(cut.message));
}

void Process::Impl::act(const Relisten& relisten) {
  if (agents_->listens(relisten.transport)) return;
  if (agents_->listen(relisten.transport)) notes_.see(NothingThere{"room for socket " + relisten.transport});
}

// --- start ---------------------------------------------------------------------------------------------

std::optional<Failure> Process::Impl::start(const Setup& setup) {
  const auto owner = owner_of(options_.mail_owner);
  if (!owner) return Failure{"there is no account " + options_.mail_owner};
  if (auto failed = make_surroundings(setup, *owner)) return failed;
  return start_subject(setup);
}

std::optional<Failure> Process::Impl::make_surroundings(const Setup& setup, const Owner& owner) {
  auto scratch =
      Scratch::make(options_.scratch, is_root() ? std::optional(owner) : std::nullopt, main_cf(options_, owner, setup));
  if (!scratch) return scratch.error();
  scratch_ = std::move(*scratch);
  const fs::path queue = Scratch::queue(options_.scratch);
  const std::uint64_t lines_max = options_.log_lines_max * (setup.show_allocate ? kVerboseLines : 1);
  log_.emplace(hub_, notes_, options_.scratch.string(), "postfix/" + options_.program.filename().string(),
               setup.show_allocate, lines_max);
  if (auto failed = log_->listen(queue / "public/postlog")) return failed;
  services_.emplace(hub_, notes_);
  services_->on_bounce([this](const std::string& id) { scratch_->remove_bounce_log(id); });
  if (auto failed = services_->listen(queue)) return failed;
  agents_.emplace(hub_, notes_, queue / "private");
  agents_->on_request([this](const codec::DeliveryRequest& request) { return scratch_->agrees(request); });
  for (const std::string& transport : setup.transports) {
    if (std::count(setup.absent.begin(), setup.absent.end(), transport) > 0 || agents_->listens(transport)) continue;
    if (auto failed = agents_->listen(transport)) return failed;
  }
  master_.emplace(hub_, notes_);
  return master_->open(queue / "public/qmgr");
}

std::optional<Failure> Process::Impl::start_subject(const Setup& setup) {
  auto clock = VirtualClock::make(options_.scratch.string(), kStart);
  if (!clock) return clock.error();
  clock_.emplace(std::move(*clock));
  hub_.watch(clock_->socket(), [this] { clock_->read_socket(); });
  Launch launch{.program = options_.program,
                .arguments = command_line(options_, setup),
                .environment = environment(options_),
                .directory = Scratch::queue(options_.scratch),
                .descriptors = master_->inheritance(),
                .file_size_max = options_.disk_max};
  launch.descriptors.push_back({clock_->page_fd(), WEIR_CLOCK_PAGE_FD});
  launch.descriptors.push_back({clock_->subject_socket(), WEIR_CLOCK_SOCKET_FD});
  auto subject = Subject::start(launch);
  if (!subject) return subject.error();
  subject_.emplace(std::move(*subject));
  clock_->started();
  master_->started(subject_->pid());
  hub_.watch(subject_->pid_fd(), [this] { ended_ = subject_->ended(); });
  return std::nullopt;
}

// --- until nothing is left to do ------------------------------------------------------------------------

void Process::Impl::move_to(std::int64_t virtual_second) {
  notes_.now = virtual_second;
  clock_->set_seconds(kStart + virtual_second);
}

void Process::Impl::settle() {
  give_up_ = steady_clock::now() + options_.patience;
  const std::size_t seen_before = notes_.seen.size();
  while (!notes_.misbehaviour && !ended_ && !came_to_rest()) {
    if (steady_clock::now() > give_up_) look_at_costs();
  }
  if (ended_) return note_end(seen_before);
  if (++rests_ % kDiskLookEvery == 0) look_at_disk();
  if (const auto refused = clock_->refused()) notes_.misbehaves(*refused);
  if (notes_.broke_off) notes_.misbehaves(*notes_.broke_off);
  note_moves();
  if (notes_.misbehaviour) {
    notes_.see(Misbehaved{*notes_.misbehaviour});
    close_down();
  }
}

// One challenge. True: it came to rest, and nothing was done meanwhile that might have woken it since.
bool Process::Impl::came_to_rest() {
  if (log_->last_words()) clock_->hurry();
  hub_.forget_acts();
  clock_->challenge();
  while (!clock_->at_rest()) {
    const bool silent = hub_.run(kLookEvery) == 0;
    if (clock_->handed_over()) give_answers();
    if (silent || steady_clock::now() > give_up_) look_at_costs();
    if (ended_ || notes_.misbehaviour) return true;
  }
  while (!hub_.has_acted() && hub_.run({}) > 0) {}
  if (services_->want_to_speak()) {
    clock_->hold();
    services_->speak();
  }
  return !hub_.has_acted();
}

// The subject stands still: all that it has said is there, and all that is said now is there when it looks.
void Process::Impl::give_answers() {
  const bool has_acted = hub_.has_acted();
  while (!notes_.misbehaviour && hub_.run({}) > 0) {}
  services_->speak();
  if (!has_acted) hub_.forget_acts();
  clock_->give_back();
}

void Process::Impl::look_at_costs() {
  if (steady_clock::now() > give_up_) {
    notes_.misbehaves(clock_->attached() ? "never rests" : "does not load the library with the virtual clock");
  }
  if (subject_->resident_bytes() > kMemoryMax) notes_.misbehaves("eats memory");
  look_at_disk();
}

void Process::Impl::look_at_disk() {
  if (scratch_->bytes_used() > options_.disk_max) notes_.misbehaves("fills the disk");
}

void Process::Impl::note_moves() {
  for (Moved& moved : scratch_->moves(notes_.now)) notes_.see(std::move(moved));
}

// Its last words are heard, and what it asked for; that its connections were closed says nothing.
void Process::Impl::note_end(std::size_t seen_before) {
  for (int i = 0; i < kLastRunsMax && hub_.run({}) > 0; ++i) {}
  const auto before = notes_.seen.begin() + static_cast<std::ptrdiff_t>(seen_before);
  const auto is_close = [](const Observation& each) { return std::holds_alternative<Closed>(each.sight); };
  notes_.seen.erase(std::remove_if(before, notes_.seen.end(), is_close), notes_.seen.end());
  note_moves();
  notes_.see(end_of(*ended_));
  close_down();
}

void Process::Impl::close_down() {
  over_ = true;
  if (log_) kept_log_ = log_->lines();
  if (subject_) {
    hub_.forget(subject_->pid_fd());
    subject_->kill();
  }
  subject_.reset();
  if (clock_) hub_.forget(clock_->socket());
  clock_.reset();
  master_.reset();
  agents_.reset();
  services_.reset();
  log_.reset();
  scratch_.reset();
}

// --- the interface -------------------------------------------------------------------------------------

std::string why_not(const SubjectOptions& options) {
  if (access(options.program.c_str(), X_OK) != 0) return "there is no program " + options.program.string();
  if (access(options.preload.c_str(), R_OK) != 0) return "there is no library " + options.preload.string();
  if (!owner_of(options.mail_owner)) return "there is no account " + options.mail_owner;
  if (is_root()) return {};
  Process trial(options);
  for (const Observation& seen : trial.apply(Setup{})) {
    const bool over = std::holds_alternative<Exited>(seen.sight) || std::holds_alternative<Misbehaved>(seen.sight);
    if (over) return "the program does not run without root: " + show(seen);
  }
  return {};
}

Process::Process(SubjectOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Process::~Process() = default;

std::vector<Observation> Process::apply(const Input& input) { return impl_->apply(input); }
const std::vector<std::string>& Process::whole_log() const { return impl_->whole_log(); }

}  // namespace weir::blackbox
