// Which scans a trigger buffer asks for: spec/intake.md, "Triggers", and nothing else.
#pragma once

#include <string>

namespace weir::reference {

struct Scans {
  bool incoming = false, deferred = false;
};

inline Scans scans_asked_for(const std::string& buffer) {
  Scans scans;
  for (const char byte : buffer) {
    if (byte == 'W' || byte == 'I') scans.incoming = true;
    if (byte == 'D') scans.deferred = true;
  }
  return scans;
}

}  // namespace weir::reference
