// The words of the log: every line that a queue manager writes, in one place (spec/logging.md).
//
// render() gives the words for the typed records of a brain; the functions in namespace line give those of the lines
// that a world writes itself. Texts about bad settings are in codec/parameters, those about the content of queue
// files in codec/queue_file. Addresses, service names and delays appear as LogSettings says.
// Whoever writes a line to a log passes it through clean_log_text(). Tested in tests/codec/wire/log_line_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/severity.hpp"
#include "contract/id.hpp"
#include "contract/log_record.hpp"

namespace weir::codec {

struct LogLine {
  Severity severity = Severity::info;
  std::string text;
  friend bool operator==(const LogLine&, const LogLine&) = default;
};

enum class AddressFormat : std::uint8_t { external, internal };

struct LogSettings {
  AddressFormat address_format = AddressFormat::external;  // info_log_address_format
  int delay_decimals = 2;                                  // delay_logging_resolution_limit
  std::string bounce_service = "bounce", defer_service = "defer", trace_service = "trace", verify_service = "verify",
              flush_service = "flush";
  std::string verp_failure_word = "verp";  // Dialect::verp_failure_word
  bool old_texts = false;                  // weir_old_texts

  [[nodiscard]] const std::string& service_name(Service service) const;
};

// The lines of a record, in order.
[[nodiscard]] std::vector<LogLine> render(const LogRecord& record, const LogSettings& settings);

inline constexpr std::size_t kLogTextMax = 2000;  // bytes of one line's text

// What of a text may go to a log: '?' for every byte that is neither printable ASCII nor (with `utf8`) part of what
// looks like UTF-8, then the first kLogTextMax bytes of that. The severity prefix comes on top.
[[nodiscard]] std::string clean_log_text(std::string_view text, bool utf8);

namespace line {

// "gone": the file had vanished (ENOENT), which is a warning; any other reason is fatal.
enum class Because : std::uint8_t { gone, other };

// --- life of a message ---------------------------------------------------------------------------------
[[nodiscard]] LogLine queue_active(std::string_view queue_id, std::string_view sender, std::int64_t size,
                                   std::int64_t recipients, const LogSettings& settings);
[[nodiscard]] LogLine removed(std::string_view queue_id);

// --- start and settings --------------------------------------------------------------------------------
[[nodiscard]] LogLine recipient_limit_adjusted();
[[nodiscard]] LogLine bounce_lifetime_adjusted();
[[nodiscard]] std::vector<LogLine> nqmgr_is_old(std::string_view config_directory);
[[nodiscard]] LogLine bad_address_format(std::string_view value);
[[nodiscard]] LogLine wants_process_limit_one(std::string_view service);
[[nodiscard]] LogLine unexpected_argument(std::string_view argument);
[[nodiscard]] LogLine watchdog_too_small(std::int64_t timeout);
[[nodiscard]] LogLine smtputf8_not_compiled_in();
[[nodiscard]] LogLine table_changed(std::string_view table);
[[nodiscard]] LogLine relay_domains_compatibility(std::string_view domain);

// --- queue files and directories -----------------------------------------------------------------------
[[nodiscard]] LogLine nfs_rename_worked_around(std::string_view from, std::string_view to);
[[nodiscard]] LogLine move_ignored_bad_name(std::string_view name);                                        // F1
[[nodiscard]] LogLine move_update_times(std::string_view path, std::string_view reason, Because because);  // F2
[[nodiscard]] LogLine move_rename(std::string_view queue_id, std::string_view reason, Because because);    // F3
[[nodiscard]] LogLine lstat_failed(std::string_view path, std::string_view reason);                        // F4
[[nodiscard]] LogLine not_a_regular_file(std::string_view path, std::int64_t uid);                         // F5
[[nodiscard]] LogLine has_links(std::string_view path, std::int64_t uid, std::int64_t links);              // F6
[[nodiscard]] LogLine feed_rename(std::string_view queue_id, Queue from, std::string_view reason,
                                  Because because);                                                      // F7
[[nodiscard]] LogLine open_active(std::string_view queue_id, std::string_view reason, Because because);  // F8
[[nodiscard]] LogLine saving_corrupt(std::string_view queue_id);                                         // F9
[[nodiscard]] LogLine corrupt_file_gone(std::string_view queue_id, std::string_view reason);    // weir_old_texts
[[nodiscard]] LogLine save_corrupt_failed(std::string_view queue_id, std::string_view reason);  // F10
[[nodiscard]] LogLine defer_update_times(std::string_view path, std::string_view reason);       // F11
[[nodiscard]] LogLine defer_rename(std::string_view queue_id, Queue to, std::string_view reason,
                                   Because because);                                                       // F12
[[nodiscard]] LogLine remove_failed(std::string_view queue_id, std::string_view reason, Because because);  // F13
[[nodiscard]] LogLine remove_bounce_failed(std::string_view queue_id, std::string_view reason);            // F14
[[nodiscard]] LogLine remove_defer_failed(std::string_view queue_id, std::string_view reason);             // F15
[[nodiscard]] LogLine update_file_failed(std::string_view path, std::string_view reason);                  // F16
[[nodiscard]] LogLine fchmod_failed(std::string_view path, std::string_view reason);                       // F17
[[nodiscard]] LogLine open_directory_failed(std::string_view directory, std::string_view reason);          // F18
[[nodiscard]] LogLine close_directory_failed(std::string_view directory, std::string_view reason);         // F18
[[nodiscard]] LogLine bad_queue_name(std::string_view name);                                               // F19

// --- peers ---------------------------------------------------------------------------------------------
// `path`: "private/smtp socket" (peer_path()); `transport` and `service` are bare names.
[[nodiscard]] LogLine connect_transport_failed(std::string_view transport, std::string_view reason,
                                               bool old_text = false);                               // T1
[[nodiscard]] LogLine premature_disconnect(std::string_view path);                                   // T2
[[nodiscard]] LogLine malformed_response(std::string_view path);                                     // T3
[[nodiscard]] LogLine write_to_process_failed(std::string_view transport, std::string_view reason);  // T4
[[nodiscard]] LogLine connect_timed_out(std::string_view transport);                                 // T5
[[nodiscard]] LogLine report_timed_out(std::string_view queue_id, std::string_view transport);       // T6
[[nodiscard]] LogLine watchdog_timeout();                                                            // T7
[[nodiscard]] LogLine talking_to_service(std::string_view service, std::string_view reason);         // T8
[[nodiscard]] LogLine null_transport(std::string_view address);                                      // T9
[[nodiscard]] LogLine null_recipient(std::string_view address);                                      // T9
[[nodiscard]] LogLine connect_failed(std::string_view socket_name, std::string_view reason);         // T11
[[nodiscard]] LogLine read_failed(std::string_view path, std::string_view reason);                   // T11
[[nodiscard]] LogLine write_failed(std::string_view path, std::string_view reason);                  // T11
[[nodiscard]] LogLine write_read_failed(std::string_view path, std::string_view reason);             // T11
[[nodiscard]] LogLine connect_subsystem_failed(int attempt, std::string_view socket_name, std::string_view reason,
                                               bool last);
[[nodiscard]] LogLine accept_failed(std::string_view reason);                             // T14
[[nodiscard]] LogLine flow_count_failed(std::string_view reason);                         // T15
[[nodiscard]] LogLine flow_descriptor_bad(std::string_view reason);                       // T15
[[nodiscard]] LogLine event_loop_failed(std::string_view call, std::string_view reason);  // T16
[[nodiscard]] LogLine unix_name_too_long(std::string_view path);
[[nodiscard]] LogLine too_many_errors();

// Codec texts (attribute readers, queue files) are bare strings; all of them are warnings.
[[nodiscard]] LogLine warning(std::string text);

}  // namespace line
}  // namespace weir::codec
