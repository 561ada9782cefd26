// The reference model: the decisions of Postfix's qmgr(8) and oqmgr(8), by definition.
//
// It is written to be read beside spec/ and is slow on purpose: plain vectors and maps, linear scans, nothing
// remembered that could be recomputed. It decides for the properties, the oracle and, with weir_brain=model, for
// the daemon. One function per rule, under its requirement id, in the order of the spec chapters:
//   model.cpp        dispatch, clock, timers             cycle.cpp       triggers, scans, import
//   recipients.cpp   sort, resolve, assign               scheduler.cpp   allocation, choice, jobs, preemption, slots
//   round_robin.cpp  choice, assigning and batches of oqmgr, in place of jobs, preemption and slots
//   concurrency.cpp  destinations and feedback           completion.cpp  the end of deliveries, moving entries away
//   disposition.cpp  own deferrals, after-work, backoff  invariants.cpp  what must hold after every event
//   snapshot.cpp     the state as an outsider would name it
// Tested in tests/model/ (every recorded schedule of the real program) and props/.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "contract/brain.hpp"
#include "contract/config.hpp"
#include "model/state.hpp"

namespace weir::model {

class Model final : public InspectableBrain {
 public:
  explicit Model(Config config);
  // Goes on from a state in which a model was between two events.
  explicit Model(State state) : s_(std::move(state)) {}

  void handle(Time now, const Event& event, std::vector<Command>& out) override;
  [[nodiscard]] std::optional<Seconds> next_deadline() const override;
  [[nodiscard]] bool wants_tick() const override;
  [[nodiscard]] bool wants_turn() const override;

  [[nodiscard]] const State& state() const { return s_; }

  [[nodiscard]] Snapshot snapshot() const override;
  [[nodiscard]] std::vector<std::string> broken_invariants() const override;

 private:
  // model.cpp
  void on(const Started&);
  void on(const Turn&);
  void on(const Tick&);
  void on(const Triggered&);
  void on(const ScanEntry&);
  void on(const ScanEnded&);
  void on(const Admitted&);
  void on(const AdmitFailed&);
  void on(const RecipientsRead&);
  void on(const ReadFailed&);
  void on(const Resolved&);
  void on(const AgentReady&);
  void on(const AgentFailed&);
  void on(const Delivered&);
  void on(const BounceLogChecked&);
  void on(const FileChecked&);
  void on(const ServiceAnswered&);
  Seconds read_steady();
  void set_timer(Timer timer, Seconds delay);
  void cancel_timer(Timer::Kind kind, const std::string& transport, DestinationId destination);
  void timer_fired(const Timer& timer);
  void log(LogRecord record);
  template <class C>
  void command(C c) {
    out_->push_back(std::move(c));
  }
  template <class I>
  I fresh() {
    if constexpr (std::is_same_v<I, MessageId>) return I{++s_.last_message};
    if constexpr (std::is_same_v<I, AgentId>) return I{++s_.last_agent};
    if constexpr (std::is_same_v<I, TicketId>) return I{++s_.last_ticket};
    return I{++s_.last_id};
  }
  [[nodiscard]] Seconds clock() const { return now_.seconds(); }

  // cycle.cpp
  struct ScanRequest {
    bool start = false, all = false, revive = false, lift = false;
  };
  Scan& scan_of(Queue queue) { return queue == Queue::incoming ? s_.incoming : s_.deferred; }
  void request_scan(Queue queue, ScanRequest request);
  void begin_scan(Queue queue);
  [[nodiscard]] bool has_room() const;
  void start_import();
  [[nodiscard]] bool someone_is_read() const;
  void look_at_next_queue();
  [[nodiscard]] bool awaits_entry(Queue queue) const;
  void next_candidate();
  void end_import();
  void decide_who_is_first();
  void admit(const ScanEntry& entry);
  void admission_over(MessageId message, bool imported);

  // recipients.cpp
  void take_batch(MessageId id, Batch batch);
  [[nodiscard]] bool is_filtered(const Message& message) const;
  [[nodiscard]] Answer by_filter(const std::string& filter, const std::string& address) const;
  void assign_batch(MessageId id, const std::vector<Answer>& answers);
  struct Placement {  // of one recipient; no destination: disposed of, or dropped
    Recipient recipient;
    std::optional<DestinationId> destination;
  };
  std::optional<DestinationId> place(MessageId id, Recipient& recipient, Answer answer);
  void sort_placements(std::vector<Placement>& placements) const;
  [[nodiscard]] std::string destination_name(const std::string& transport, const std::string& nexthop,
                                             const std::string& address) const;
  [[nodiscard]] std::string without_extension(const std::string& localpart) const;
  void assign(MessageId id, const std::vector<Placement>& placements);
  void add_recipient(EntryId id, const Recipient& recipient);
  void ask_for_recipients(MessageId id);
  void batch_over(MessageId id);

  // scheduler.cpp
  Transport& transport_of(const std::string& name);
  void allocate_agents();
  [[nodiscard]] bool wants_agent(const Transport& transport) const;
  void agent_answered(AgentId id, bool failed);
  void agent_usable(AgentId id);
  void transport_unavailable(const std::string& name);
  void mark_dead(const std::string& name, const Dsn& reason);
  void transport_dies(const std::string& name, const Dsn& reason);
  void recover_transport(const std::string& name);
  void choose_for_ready_agents(const std::string& name);
  void resume_choices();
  struct Choice {
    std::optional<EntryId> entry;
    bool suspended = false;
  };
  Choice choose(const std::string& name);
  Choice choose_job(const std::string& name);
  Choice choose_peer(JobId id, bool after_first_read, bool after_second_read);
  std::optional<EntryId> next_entry(JobId id);
  void block(JobId id);
  void entry_selected(JobId id, EntryId entry);
  void unselect(EntryId id);
  void send(AgentId agent, EntryId entry);
  JobId preempt(const std::string& name, JobId current);
  std::optional<JobId> candidate_for(const std::string& name, JobId current);
  [[nodiscard]] std::optional<JobId> best_candidate(const Transport& transport, JobId current) const;
  [[nodiscard]] std::int64_t most(const Job& job) const;
  [[nodiscard]] bool has_entries(const Job& job) const { return job.selected < job.read; }
  [[nodiscard]] bool is_blocked(const Job& job) const;
  JobId obtain_job(MessageId message, const std::string& transport);
  void link(JobId id);
  void unlink(JobId id);
  void retire(JobId id);
  void leave_stack(JobId id);
  void remove_jobs(MessageId id);
  void give_back_slots(JobId id);

  // round_robin.cpp
  [[nodiscard]] bool round_robin() const { return s_.config.scheduler == Scheduler::round_robin; }
  Choice choose_in_turn(const std::string& name);
  void assign_neighbours(MessageId id, const std::vector<Placement>& placements);
  [[nodiscard]] std::int64_t batch_size() const;
  [[nodiscard]] std::int64_t recipients_in_memory() const;
  [[nodiscard]] bool reads_early() const;

  // concurrency.cpp
  std::optional<DestinationId> find_destination(const std::string& transport, const std::string& name) const;
  DestinationId obtain_destination(const std::string& transport, const std::string& name, const std::string& nexthop);
  void positive_feedback(DestinationId id);
  void negative_feedback(DestinationId id, const Dsn& dsn);
  void throttle(DestinationId id, const Dsn& dsn);
  void unthrottle(DestinationId id);
  void revive_everything();
  void suspend(DestinationId id);
  void resume(DestinationId id);
  void unblock_check(DestinationId id);
  void delete_if_idle(DestinationId id);
  void delete_destination(DestinationId id);
  void set_cache_flags(Destination& destination) const;
  [[nodiscard]] double feedback(const Feedback& setting, int window) const;
  void log_feedback_settings(const std::string& name, const TransportConfig& config);
  void log_state(bool negative, const Destination& destination);
  void clog_check(DestinationId id);

  // completion.cpp
  EntryId create_entry(MessageId message, std::optional<JobId> job, DestinationId destination);
  void end_entry(EntryId id, bool was_running);
  void give_back_slots_of(const Entry& entry);
  void move_entries(DestinationId id, const Dsn& reason);
  void drop_idle_retry_destinations();

  // disposition.cpp
  void defer_directly(MessageId id, const Recipient& recipient, Dsn dsn);
  void discard(MessageId id, const Recipient& recipient);
  void begin_disposal(MessageId id, Disposal disposal);
  void go_on(MessageId id, Disposal disposal);
  void disposal_answered(MessageId id, Disposal disposal, bool ok);
  void disposal_over(MessageId id);
  void check_finished(MessageId id);
  void ask_report(MessageId id, Stage stage, ReportRequest request);
  void report_answered(MessageId id, bool ok);
  [[nodiscard]] bool wants_verp_reports(const Message& message) const;
  void after_bounces(MessageId id);
  void after_file_check(MessageId id);
  void after_recipients(MessageId id);
  void after_trace(MessageId id);
  void finish(MessageId id);
  [[nodiscard]] Seconds next_attempt(const Message& message) const;
  void forget(MessageId id);

  State s_;
  Time now_;
  std::vector<Command>* out_ = nullptr;  // only during handle()
};

[[nodiscard]] std::unique_ptr<InspectableBrain> make_model(const Config& config);

}  // namespace weir::model
