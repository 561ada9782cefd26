#include "bench/brains.hpp"

#include "model/model.hpp"
#ifdef WEIR_BENCH_ENGINE
#include "engine/engine.hpp"
#endif

namespace weir::bench {

#ifdef WEIR_BENCH_ENGINE
const char* const kDefaultBrain = "engine";
std::vector<std::string> brain_names() { return {"engine", "model"}; }
BrainFactory brain_named(const std::string& name) {
  if (name == "engine") return [](const Config& config) { return engine::make_engine(config); };
  return [](const Config& config) { return model::make_model(config); };
}
#else
const char* const kDefaultBrain = "model";
std::vector<std::string> brain_names() { return {"model"}; }
BrainFactory brain_named(const std::string&) {
  return [](const Config& config) { return model::make_model(config); };
}
#endif

}  // namespace weir::bench
