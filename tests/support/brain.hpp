// The brain under test. A test that includes this is built twice, once for each brain (tests/model/CMakeLists.txt).
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

#include "contract/brain.hpp"
#include "contract/config.hpp"
#ifdef WEIR_TEST_ENGINE
#include "engine/engine.hpp"
#else
#include "model/model.hpp"
#endif

namespace weir::testing {

#ifdef WEIR_TEST_ENGINE
inline std::unique_ptr<InspectableBrain> make_brain(const Config& config) { return engine::make_engine(config); }
#else
inline std::unique_ptr<InspectableBrain> make_brain(const Config& config) { return model::make_model(config); }
#endif

inline const Snapshot::Transport& transport(const Snapshot& snapshot, const std::string& name) {
  const auto found = std::find_if(snapshot.transports.begin(), snapshot.transports.end(),
                                  [&](const Snapshot::Transport& t) { return t.name == name; });
  if (found == snapshot.transports.end()) throw std::out_of_range("no transport " + name);
  return *found;
}

}  // namespace weir::testing
