// Which rules decide: one mark for each requirement that the engine meets by a decision of its own. The lock-step
// campaign reads the counts, so that a rule which no generated script reaches does not pass for tested.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::engine {

// In the order of the specification; names as in spec/requirements.tsv.
// clang-format off
#define WEIR_RULES(X) \
  X(trg_03, "TRG-03") X(trg_04, "TRG-04") X(trg_05, "TRG-05") X(trg_06, "TRG-06") X(trg_07, "TRG-07") \
  X(trg_08, "TRG-08") X(trg_09, "TRG-09") X(trg_11, "TRG-11") X(que_03, "QUE-03") X(que_04, "QUE-04") \
  X(que_05, "QUE-05") X(que_06, "QUE-06") X(gen_05, "GEN-05") X(gen_06, "GEN-06") X(gen_08, "GEN-08") \
  X(str_04, "STR-04") X(str_06, "STR-06") X(str_08, "STR-08") X(str_09, "STR-09") X(str_10, "STR-10") \
  X(str_12, "STR-12") X(str_13, "STR-13") X(str_14, "STR-14") X(str_16, "STR-16") X(rep_01, "REP-01") X(rep_05, "REP-05") \
  X(rep_07, "REP-07") X(par_004, "PAR-004") X(par_005, "PAR-005") X(par_008, "PAR-008") X(par_011, "PAR-011") \
  X(par_012, "PAR-012") X(par_013, "PAR-013") X(par_014, "PAR-014") X(par_016, "PAR-016") X(par_018, "PAR-018") \
  X(par_020, "PAR-020") X(par_023, "PAR-023") X(par_025, "PAR-025") X(par_026, "PAR-026") X(par_029, "PAR-029") X(par_030, "PAR-030") \
  X(par_032, "PAR-032") X(par_034, "PAR-034") X(par_036, "PAR-036") X(par_038, "PAR-038") X(par_043, "PAR-043") \
  X(par_046, "PAR-046") X(par_054, "PAR-054") X(par_055, "PAR-055") X(par_059, "PAR-059") X(par_060, "PAR-060") \
  X(par_062, "PAR-062") X(par_064, "PAR-064") X(par_067, "PAR-067") X(par_068, "PAR-068") X(par_069, "PAR-069") \
  X(par_071, "PAR-071") X(par_075, "PAR-075") X(par_077, "PAR-077") X(par_085, "PAR-085")
// clang-format on

enum class Rule : std::uint8_t {
#define WEIR_RULE(name, id) name,
  WEIR_RULES(WEIR_RULE)
#undef WEIR_RULE
};

inline constexpr auto kRuleNames = std::to_array<std::string_view>({
#define WEIR_RULE(name, id) id,
    WEIR_RULES(WEIR_RULE)
#undef WEIR_RULE
});

using RuleCounts = std::vector<std::pair<std::string_view, std::uint64_t>>;

}  // namespace weir::engine
