#include "bench/traffic.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace weir::bench {

namespace {

constexpr auto kNames = std::to_array<std::pair<Shape, std::string_view>>({
    {Shape::many_small, "many_small"},
    {Shape::huge_list, "huge_list"},
    {Shape::dead_destinations, "dead_destinations"},
    {Shape::slow_destination, "slow_destination"},
    {Shape::held_messages, "held_messages"},
    {Shape::held_recipients, "held_recipients"},
});

constexpr Micros kRound{2000};          // 500 rounds a second
constexpr std::int64_t kFlowing = 200;  // beside what waits for the slow destination
constexpr std::int64_t kListSize = 10'000'000;
constexpr std::uint64_t kListDomains = 5000, kBigDomains = 20;
constexpr std::int64_t kHeldRecipients = 1000;
// Of the dead: one message in this many brings one of them to life and kills it; the next in turn.
constexpr std::int64_t kDeadTurn = 10;
constexpr Micros kDeadStep = kRound * kDeadTurn;

void append_number(std::string& text, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text.append(digits.data(), end);
}

}  // namespace

std::string_view to_string(Shape shape) {
  for (const auto& [known, name] : kNames) {
    if (known == shape) return name;
  }
  return "?";
}

std::optional<Shape> shape_named(std::string_view name) {
  for (const auto& [shape, known] : kNames) {
    if (known == name) return shape;
  }
  return std::nullopt;
}

Traffic::Traffic(Shape shape, std::int64_t held, Scheduler scheduler)
    : shape_(shape), scheduler_(scheduler), held_(static_cast<std::uint64_t>(held)) {
  if (shape == Shape::many_small) destinations_ = std::max<std::uint64_t>(50, held_ / 10);
  if (shape == Shape::held_recipients) destinations_ = 20;
}

Config Traffic::config() const {
  const auto held = static_cast<int>(held_);
  Config config;
  config.active_limit = held;
  config.message_recipient_limit = 4 * held + 1'000'000;
  config.scheduler = scheduler_;
  if (scheduler_ == Scheduler::round_robin) {  // room for all that is held; lists come in the batches of the other one
    config.message_recipient_limit = std::max(2'000'000, 3 * held);
    config.fudge_factor = std::max(1, static_cast<int>(2'000'000 / config.message_recipient_limit));
  }
  if (shape_ == Shape::slow_destination) config.active_limit += static_cast<int>(kFlowing);
  if (shape_ == Shape::huge_list) config.active_limit += 1;
  if (shape_ == Shape::held_recipients) config.default_transport.recipient_pool = 1'000'000;
  if (shape_ == Shape::dead_destinations) {
    config.active_limit = std::max(held, 200);
    config.default_transport.initial_concurrency = 1;  // so that one refusal is enough
    // Dead for most of the time until its turn comes again; a tenth of that the message waits.
    const auto turn = kDeadStep * static_cast<std::int64_t>(held_);
    config.minimal_backoff = std::chrono::duration_cast<Seconds>(turn) * 85 / 100;
    config.maximal_backoff = std::max(config.maximal_backoff, config.minimal_backoff);
  }
  return config;
}

std::int64_t Traffic::messages_of(Phase phase) const {
  const auto held = static_cast<std::int64_t>(held_);
  switch (phase) {
    case Phase::dying: return shape_ == Shape::dead_destinations ? held : 0;
    case Phase::filling:
      if (shape_ == Shape::slow_destination) return held + kFlowing;
      return shape_ == Shape::huge_list ? held + 1 : held;
    case Phase::flowing: break;
  }
  return 0;
}

Micros Traffic::step_of(Phase phase) const { return phase == Phase::dying ? kDeadStep : kRound; }

std::uint64_t Traffic::draw(std::uint64_t below) {
  seed_ = seed_ * 6364136223846793005U + 1442695040888963407U;
  return (seed_ >> 33) % below;
}

void Traffic::fill(Batch& batch, std::size_t index, char kind, std::uint64_t destination) {
  if (batch.recipients.size() <= index) batch.recipients.resize(index + 1);
  Recipient& recipient = batch.recipients[index];
  recipient.offset = 500 + 60 * static_cast<std::int64_t>(index);
  recipient.address = "user";
  append_number(recipient.address, ++people_);
  recipient.address += '@';
  recipient.address += kind;
  append_number(recipient.address, destination);
  recipient.address += ".example";
  recipient.original = recipient.address;
  recipient.dsn_orcpt = "rfc822;";
  recipient.dsn_orcpt += recipient.address;
}

// Half of a list is with a few big providers, half is scattered.
void Traffic::fill_list(Batch& batch, std::int64_t count) {
  batch.recipients.resize(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < batch.recipients.size(); ++i) {
    const std::uint64_t domains = i % 2 == 0 ? kBigDomains : kListDomains;
    fill(batch, i, 'l', draw(domains));
  }
  batch.more = true;
  batch.unread = kListSize;
}

void Traffic::fill_one_for_dead(Phase phase, Batch& batch) {
  constexpr std::uint64_t kStillDead = 20;  // one message in this many
  if (phase == Phase::dying) {
    fill(batch, 0, 'x', arrived_);
  } else if (arrived_ % static_cast<std::uint64_t>(kDeadTurn) == 0) {
    fill(batch, 0, 'x', next_dead_ + 1);
    next_dead_ = (next_dead_ + 1) % held_;
  } else if (phase == Phase::flowing && arrived_ % kStillDead == 1) {
    fill(batch, 0, 'x', (next_dead_ + held_ / 2) % held_ + 1);
  } else {
    fill(batch, 0, 'd', draw(destinations_));
  }
}

void Traffic::next_message(Phase phase, std::int64_t at_most, Batch& batch) {
  arrived_ += 1;
  batch.more = false;
  batch.unread = 0;
  switch (shape_) {
    case Shape::many_small: {
      const auto count = static_cast<std::size_t>(1 + draw(3));
      batch.recipients.resize(count);
      for (std::size_t i = 0; i < count; ++i) fill(batch, i, 'd', draw(destinations_));
      return;
    }
    case Shape::huge_list:
      if (arrived_ == 1) {
        fill_list(batch, at_most);
        return;
      }
      break;
    case Shape::dead_destinations:
      batch.recipients.resize(1);
      fill_one_for_dead(phase, batch);
      return;
    case Shape::slow_destination: {
      const bool slow = phase == Phase::filling ? arrived_ <= held_ : slow_owed_ > 0;
      if (slow && phase == Phase::flowing) slow_owed_ -= 1;
      batch.recipients.resize(1);
      fill(batch, 0, slow ? 's' : 'd', slow ? 0 : draw(destinations_));
      return;
    }
    case Shape::held_messages: break;
    case Shape::held_recipients:
      batch.recipients.resize(kHeldRecipients);
      for (std::size_t i = 0; i < batch.recipients.size(); ++i) fill(batch, i, 'd', i % destinations_);
      return;
  }
  batch.recipients.resize(1);
  fill(batch, 0, 'd', draw(destinations_));
}

void Traffic::more_recipients(std::int64_t at_most, Batch& batch) { fill_list(batch, at_most); }

Ending Traffic::ending_of(std::string_view nexthop) {
  constexpr std::uint64_t kDeferredTurn = 50;
  const char kind = nexthop.empty() ? ' ' : nexthop.front();
  deliveries_ += 1;
  if (kind == 'x') return Ending::refused;
  if (kind == 's') return Ending::slow;
  if (kind == '4') return Ending::deferred;  // the retry agent: its next hop is the reason
  const bool failed = shape_ == Shape::many_small && deliveries_ % kDeferredTurn == 0;
  return failed ? Ending::deferred : Ending::sent;
}

}  // namespace weir::bench
