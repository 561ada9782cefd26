// Seeded faults: brains that are wrong in one way each. A property is trusted only after it has caught its own.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "contract/brain.hpp"
#include "contract/config.hpp"

namespace weir::props {

struct Fault {
  std::string_view name;
  std::unique_ptr<InspectableBrain> (*make)(const Config& config);
};

#define WEIR_FAULTS(X)                                                            \
  X(ignores_active_limit) /* one message too many */                              \
  X(ignores_concurrency_limit)                                                    \
  X(ignores_recipient_limit) /* of a delivery */                                  \
  X(ignores_recipients_in_memory)                                                 \
  X(ignores_recipient_slots) /* of a transport */                                 \
  X(ignores_extra_slots)     /* lends more to preempting jobs than there are */   \
  X(ignores_transport_delay)                                                      \
  X(ignores_destination_delay)                                                    \
  X(backs_off_by_a_constant) /* no doubling */                                    \
  X(backs_off_without_bound)                                                      \
  X(handles_bytes_one_by_one) /* D before A takes effect */                       \
  X(decides_by_a_global)      /* one run shows in the next */                     \
  X(forgets_a_destination)    /* what goes there is not sent */                   \
  X(preempts_too_much)        /* slots cost half of what they should */           \
  X(loses_a_recipient)        /* the last of three in a delivery */               \
  X(delivers_twice)           /* the last of three in a delivery */               \
  X(revives_early)            /* a dead destination */                            \
  X(revives_late)                                                                 \
  X(asks_one_transport_first)    /* no round robin among transports */            \
  X(looks_at_incoming_only)      /* while there is any */                         \
  X(keeps_a_destination_waiting) /* while six others are served */                \
  X(skips_turns)                 /* every third: connections are not opened */    \
  X(sends_young_mail_first)      /* two deliveries to a next hop change places */ \
  X(schedules_by_jobs)           /* and reads as round robin does */              \
  X(takes_a_file_too_many)       /* these for round robin only */                 \
  X(takes_a_file_too_few)                                                         \
  X(reads_one_more)                                                               \
  X(reads_too_early)                                                              \
  X(reads_too_late)                                                               \
  X(limits_reads_by_slots)                                                        \
  X(knows_no_fudge_factor)

#define WEIR_FAULT(name) [[nodiscard]] std::unique_ptr<InspectableBrain> name(const Config& config);
WEIR_FAULTS(WEIR_FAULT)
#undef WEIR_FAULT

inline constexpr auto kFaults = std::to_array<Fault>({
#define WEIR_FAULT(name) {#name, name},
    WEIR_FAULTS(WEIR_FAULT)
#undef WEIR_FAULT
});

}  // namespace weir::props
