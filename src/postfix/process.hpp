// Process: small duties of any daemon towards the system, each done once at start.
#pragma once

#include <optional>
#include <string>

namespace weir::postfix {

// SIGPIPE and SIGXFSZ become errors of the call. All other signals keep their default: a daemon dies promptly.
void ignore_signals();

// Descriptors 0, 1 and 2 are there, if only as /dev/null, so that no file or socket gets one of these numbers.
void ensure_standard_descriptors();

// `first` ... `last` do not pass to programs that we start. Missing ones are none of our business.
void close_on_exec(int first, int last);

// As many descriptors as the system grants.
void raise_descriptor_limit();

[[nodiscard]] std::string host_name();

// chdir(), or the text of the failure.
[[nodiscard]] std::optional<std::string> enter_directory(const std::string& path);

}  // namespace weir::postfix
