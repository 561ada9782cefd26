// Engine: the production brain. For every sequence of events it gives the same commands as the reference model, at
// a cost that does not grow with what it holds: no event costs more than O(log n) expected in messages, jobs,
// destinations, dead destinations or recipients held, beyond what the event itself is about (a batch of recipients,
// the entries of a destination that dies).
//
// It shares the contract with the model and no thinking. Where Postfix walks a list the engine keeps an order in
// which the answer stands in front; spec/engine.md explains each of them and why the answer is the same:
//   engine.cpp            dispatch, clock, timers
//   cycle/                triggers and scans, admission, recipients, disposition, after-work and backoff
//   scheduler/            transports, destinations, jobs, slots, the choice, preemption, completion; round_robin
//                         is the scheduler of oqmgr, in the place of jobs, slots and preemption
//   store/                pools, lists, trees: memory, no decisions
//   invariants.cpp        everything recounted from scratch        snapshot.cpp   comparable with the model's
// Choosers are const and look at the front of an index; did_...() keep the indexes right after a change.
// Tested by every recorded schedule (tests/model/), by lock-step with the model (props/) and by its mutants.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "contract/brain.hpp"
#include "contract/config.hpp"
#include "engine/rules.hpp"
#include "engine/store/state.hpp"
#include "engine/store/timer_queue.hpp"

namespace weir::engine {

class Engine final : public InspectableBrain {
 public:
  explicit Engine(Config config);
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void handle(Time now, const Event& event, std::vector<Command>& out) override;
  [[nodiscard]] std::optional<Seconds> next_deadline() const override;
  [[nodiscard]] bool wants_tick() const override;
  [[nodiscard]] bool wants_turn() const override;

  [[nodiscard]] Snapshot snapshot() const override;
  [[nodiscard]] std::vector<std::string> broken_invariants() const override;

  // How often each rule has decided something.
  [[nodiscard]] RuleCounts rule_counts() const;

 private:
  // engine.cpp
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
  void timer_fired(const Timer& timer);
  template <class C>
  void command(C c) {
    out_->push_back(std::move(c));
  }
  void log(LogRecord record) { command(Log{std::move(record)}); }
  void mark(Rule rule) { rules_[static_cast<std::size_t>(rule)] += 1; }
  [[nodiscard]] Seconds clock() const { return second_; }
  // When steady time was read last.
  [[nodiscard]] Age age_of_engine() const { return static_cast<Age>((steady_ - steady_begin_).count()); }
  Age read_age() { return read_steady(), age_of_engine(); }
  [[nodiscard]] Seconds steady_at(Age age) const { return steady_begin_ + Seconds{age}; }

  // cycle/scans.cpp
  struct ScanRequest {
    bool start = false, all = false, revive = false, lift = false;
    [[nodiscard]] bool is_empty() const { return !start && !all && !revive && !lift; }
  };
  Scan& scan_of(Queue queue) { return queue == Queue::incoming ? incoming_ : deferred_; }
  void request_scan(Queue queue, ScanRequest request);
  void begin_scan(Queue queue);
  [[nodiscard]] bool has_room() const;
  void start_import();
  void look_at_queues();
  void next_queue();
  [[nodiscard]] bool awaits_entry(Queue queue) const;
  void end_import();
  void decide_who_is_first();

  // cycle/admission.cpp
  void admit(const ScanEntry& entry);
  void admission_over(MessageId message, bool imported);
  [[nodiscard]] Ref<Message> find_message(MessageId id) const { return message_ids_.find(messages_, id); }
  void release_message(Ref<Message> m);
  void begin_reading(Ref<Message> m);
  void end_reading(Ref<Message> m);

  // cycle/recipients.cpp
  struct Placement {
    Recipient* recipient = nullptr;
    Ref<Destination> destination;
  };
  struct SortKey {
    Ref<Destination> destination;
    std::string domain;
    bool has_domain = false;
    const std::string* address = nullptr;
    std::uint32_t index = 0;
  };
  void take_batch(Ref<Message> m, const Batch& batch);
  [[nodiscard]] const std::string* filter_of(const Message& message) const;
  [[nodiscard]] Answer by_filter(const std::string& filter, const std::string& address);
  [[nodiscard]] std::int64_t at_once(std::int64_t room) const;
  void assign_batch(Ref<Message> m, const std::vector<Answer>& answers);
  [[nodiscard]] bool key_less(const SortKey& a, const SortKey& b) const;
  void make_key(SortKey& key, const Recipient& recipient, Ref<Destination> destination, std::size_t index) const;
  Ref<Destination> place(Ref<Message> m, Recipient& recipient, Answer& answer);
  [[nodiscard]] std::string destination_name(const Transport& t, const std::string& nexthop,
                                             const std::string& address) const;
  [[nodiscard]] std::string without_extension(std::string localpart) const;
  void assign(Ref<Message> m, const std::vector<Placement>& placements);
  void batch_over(Ref<Message> m);
  void ask_for_recipients(Ref<Message> m);

  // cycle/disposition.cpp
  void defer_directly(Ref<Message> m, const Recipient& recipient, Dsn dsn);
  void discard(Ref<Message> m, const Recipient& recipient);
  void begin_disposal(Ref<Message> m, Disposal disposal);
  void go_on(Ref<Message> m, Disposal disposal);
  void disposal_answered(Ref<Message> m, Disposal disposal, bool ok);
  void disposal_over(Ref<Message> m);
  TicketId new_ticket(Ref<Message> m, std::optional<Disposal> disposal);

  // cycle/after_work.cpp
  void check_finished(Ref<Message> m);
  void ask_report(Ref<Message> m, Stage stage, ReportRequest request);
  void report_answered(Ref<Message> m, bool ok);
  [[nodiscard]] bool wants_verp_reports(const Message& message) const;
  void after_bounces(Ref<Message> m);
  void after_file_check(Ref<Message> m);
  void after_recipients(Ref<Message> m);
  void after_trace(Ref<Message> m);
  void finish(Ref<Message> m);
  [[nodiscard]] Seconds next_attempt(const Message& message) const;
  void forget(Ref<Message> m);

  // scheduler/transports.cpp
  Transport& transport_of(const std::string& name);
  Transport& retry_transport();
  void log_feedback_settings(const Transport& t);
  void allocate_agents();
  [[nodiscard]] bool wants_agent(const Transport& t) const;
  void agent_answered(AgentId id, bool failed);
  void agent_usable(Ref<Agent> agent);
  void release_agent(Ref<Agent> agent);
  void transport_unavailable(Transport& t);
  void mark_dead(Transport& t, const Dsn& reason);
  void transport_dies(Transport& t, const Dsn& reason);
  void recover_transport(Transport& t);
  void revive_everything();
  void choose_for_ready_agents(Transport& t);
  void resume_choices();

  // scheduler/destinations.cpp
  [[nodiscard]] Ref<Destination> find_destination(const Transport& t, const std::string& name) const;
  Ref<Destination> obtain_destination(Transport& t, const std::string& name, const std::string& nexthop);
  template <class L>
  [[nodiscard]] std::vector<Ref<Destination>> in_list_order(const Transport& t, const L& list) const;
  [[nodiscard]] std::vector<Ref<Destination>> all_dead(const Transport& t) const;
  [[nodiscard]] std::vector<Ref<Destination>> all_waiting(const Transport& t) const;
  void give_capacity_place(Transport& t, Ref<Destination> d);
  void positive_feedback(Ref<Destination> d);
  void negative_feedback(Ref<Destination> d, const Dsn& dsn);
  void throttle(Ref<Destination> d, const Dsn& dsn);
  void unthrottle(Ref<Destination> d);
  void suspend(Ref<Destination> d);
  void resume(Ref<Destination> d);
  [[nodiscard]] bool is_free(const Destination& d) const { return d.window > static_cast<std::int64_t>(d.busy); }
  [[nodiscard]] bool is_idle(const Destination& d) const { return d.todo.empty() && d.busy == 0; }
  void delete_if_idle(Ref<Destination> d);
  void delete_destination(Ref<Destination> d);
  void set_cache_flags(Destination& d) const;
  [[nodiscard]] double feedback(const Feedback& setting, std::int32_t window) const;
  void log_step(const Destination& d, bool negative, double value);
  void log_state(const Destination& d, bool negative);
  void clog_check(Ref<Destination> d);
  void did_change_capacity(Ref<Destination> d);
  void open_peer(Ref<Peer> p, bool open);
  void index_peer(Ref<Peer> p);
  void unindex_peer(Ref<Peer> p);

  // scheduler/blocking.cpp
  [[nodiscard]] bool is_blocked(const Job& job) const;
  [[nodiscard]] bool is_swept(const Job& job) const;
  [[nodiscard]] bool blocks(const Destination& d) const;
  [[nodiscard]] bool marks_its_destination(const Peer& p) const;
  void keep_mark(Ref<Peer> p);
  void unblock_check(Ref<Destination> d);
  void unblock_all(Transport& t);
  void unblock(Ref<Job> j);
  void set_fresh(Ref<Job> j, bool fresh);
  void set_bit(Ref<Job> j, std::uint8_t bit, bool on);
  [[nodiscard]] Ref<Job> first_unblocked(const Transport& t) const;
  [[nodiscard]] Ref<Job> first_with(const Transport& t, std::uint8_t bits) const;
  [[nodiscard]] Ref<Job> first_from(Ref<Job> x, std::uint8_t bits) const;
  [[nodiscard]] Ref<Job> next_to_look_at(const Transport& t) const;

  // scheduler/jobs.cpp
  Ref<Job> obtain_job(Ref<Message> m, Transport& t);
  void link(Ref<Job> j);
  void put_into_schedule(Ref<Job> after, Ref<Job> j);
  void take_out_of_schedule(Ref<Job> j);
  void unlink(Ref<Job> j);
  void retire(Ref<Job> j);
  void leave_stack(Ref<Job> j);
  void add_child(Ref<Job> parent, Ref<Job> child);
  void remove_child(Ref<Job> parent, Ref<Job> child);
  void remove_jobs(Ref<Message> m);
  void give_back_slots(Ref<Job> j);
  void did_change_job(Ref<Job> j);
  void did_change_message(Ref<Message> m);
  [[nodiscard]] std::int64_t most(const Job& job) const { return job.read + messages_[job.message].unread; }
  [[nodiscard]] bool is_special(const Job& job) const;
  [[nodiscard]] Ref<Job> last_not_younger(const Transport& t, Age queued) const;
  void set_label(Transport& t, Ref<Job> j);
  void spread_labels(Transport& t, Ref<Job> around);

  // scheduler/choose.cpp
  struct Choice {
    Ref<Entry> entry;
    bool suspended = false;
  };
  Choice choose(Transport& t);
  Choice choose_job(Transport& t);
  Choice choose_peer(Ref<Job> j, bool after_first_read, bool after_second_read);
  [[nodiscard]] Ref<Peer> next_peer(const Job& job) const;
  void did_select(Ref<Job> j, Ref<Peer> p);
  void did_block(Ref<Job> j);
  void unselect(Ref<Entry> e);
  void send(Ref<Agent> agent, Ref<Entry> e);

  // scheduler/preempt.cpp
  Ref<Job> preempt(Transport& t, Ref<Job> current);
  Ref<Job> candidate_for(Transport& t, Ref<Job> current);
  struct Search;
  [[nodiscard]] Ref<Job> best_candidate(const Transport& t, Ref<Job> current) const;
  bool look(Search& search, Ref<Job> j) const;
  bool look_at_part(Search& search, Ref<Job> root) const;

  // scheduler/round_robin.cpp
  Choice choose_in_turn(Transport& t);
  Ref<Entry> create_entry_in_turn(Ref<Message> m, Ref<Destination> d);
  void assign_neighbours(Ref<Message> m, const std::vector<Placement>& placements);
  [[nodiscard]] double share_of_recipients() const;
  [[nodiscard]] std::int64_t batch_size() const;
  [[nodiscard]] bool reads_early(const Message& message) const;

  // scheduler/completion.cpp
  Ref<Peer> obtain_peer(Ref<Job> j, Ref<Destination> d);
  [[nodiscard]] Ref<Peer> find_peer(const Job& job, Ref<Destination> d) const;
  [[nodiscard]] Ref<Message> message_of(const Entry& entry) const;
  [[nodiscard]] Ref<Destination> destination_of(const Entry& entry) const;
  Ref<Entry> create_entry(Ref<Message> m, Ref<Job> j, Ref<Peer> p);
  void did_create_entry(Ref<Message> m, Ref<Destination> d);
  void put_into_todo(Ref<Entry> e, Ref<Destination> d);
  void take_from_todo(Ref<Entry> e, Ref<Destination> d);
  void take_from_waiting(Ref<Entry> e);
  void put_into_waiting(Ref<Entry> e, bool in_front);
  void end_entry(Ref<Entry> e, bool was_running);
  void give_back_slots_of(Ref<Job> j);
  void drop_peer(Ref<Peer> p);
  Ref<Destination> move_entries(Ref<Destination> d, const Dsn& reason);

  // snapshot.cpp, invariants.cpp
  class Painter;
  class Auditor;

  Config config_;
  bool round_robin_;
  Time now_;
  Seconds second_{0};
  std::vector<Command>* out_ = nullptr;

  // Steady time as it was read last, and what the wall clock said then.
  Seconds steady_{0}, steady_begin_{0}, slew_rest_{0};
  std::optional<Seconds> steady_read_;
  bool slewing_ = false;

  TimerQueue timers_;
  std::uint64_t round_serial_ = 0;  // timers with a higher serial have been set in this round
  Scan incoming_, deferred_;
  Queue first_ = Queue::incoming;
  Import import_;

  Pool<Message> messages_;
  Pool<Destination> destinations_;
  Pool<Job> jobs_;
  Pool<Peer> peers_;
  Pool<Entry> entries_;
  Pool<Agent> agents_;
  TextPool texts_;
  IdMap<MessageId, Message> message_ids_;
  IdMap<AgentId, Agent> agent_ids_;
  std::unordered_map<std::uint64_t, Ticket> tickets_;
  std::map<std::string, std::unique_ptr<Transport>> transports_;
  std::vector<Transport*> transport_order_;  // circular cursor list
  Transport* retry_ = nullptr;

  std::int64_t recipients_ = 0;
  std::int64_t asked_ = 0;  // recipients for which the resolver is asked
  std::size_t reading_ = 0, probes_ = 0, suspended_ = 0;
  bool agents_wait_ = false;  // for a read, with round robin
  std::uint64_t last_message_ = 0, last_agent_ = 0, last_ticket_ = 0, last_serial_ = 0;

  // Used again for every batch.
  std::vector<SortKey> keys_;
  std::vector<Placement> placements_;
  std::vector<Recipient> chunk_;

  std::array<std::uint64_t, kRuleNames.size()> rules_{};
};

[[nodiscard]] std::unique_ptr<InspectableBrain> make_engine(const Config& config);

}  // namespace weir::engine
