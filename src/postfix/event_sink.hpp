// EventSink: where the parts of the world send events that do not answer a command at once.
#pragma once

#include <functional>

#include "contract/event.hpp"

namespace weir::postfix {

using EventSink = std::function<void(Event)>;

}  // namespace weir::postfix
