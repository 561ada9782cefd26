// RapidCheck generators of scripts, for properties: what fails is made short by RapidCheck itself.
#pragma once

#include <rapidcheck/gtest.h>

#include <ostream>
#include <tuple>
#include <vector>

#include "sim/script.hpp"

namespace weir::sim {

inline void showValue(const Step& step, std::ostream& os) { os << show(step); }
inline void showValue(const Script& script, std::ostream& os) { os << show(script); }

}  // namespace weir::sim

namespace rc {

template <>
struct Arbitrary<weir::sim::Step> {
  static Gen<weir::sim::Step> arbitrary() {
    using weir::sim::StepKind;
    // What moves mail is drawn as often as everything else together.
    const auto kind = gen::oneOf(
        gen::elementOf(std::vector<StepKind>{StepKind::arrive, StepKind::greets, StepKind::greets, StepKind::delivered,
                                             StepKind::arrive_many, StepKind::serve_all, StepKind::advance}),
        gen::map(gen::inRange(0U, weir::sim::kStepKinds), [](unsigned n) { return static_cast<StepKind>(n); }));
    return gen::map(gen::tuple(kind, gen::arbitrary<std::uint32_t>(), gen::arbitrary<std::uint32_t>()),
                    [](const std::tuple<StepKind, std::uint32_t, std::uint32_t>& t) {
                      return weir::sim::Step{std::get<0>(t), std::get<1>(t), std::get<2>(t)};
                    });
  }
};

}  // namespace rc

namespace weir::props {

inline sim::Script drawn_script(sim::Aim aim) {
  sim::Script script;
  script.setup = sim::setup_for(aim, *rc::gen::arbitrary<std::uint32_t>());
  script.steps = *rc::gen::scale(2.0, rc::gen::arbitrary<std::vector<sim::Step>>());
  return script;
}

inline sim::Aim drawn_aim() { return static_cast<sim::Aim>(*rc::gen::inRange(0U, sim::kAims)); }

}  // namespace weir::props
