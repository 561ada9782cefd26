// The parameters of main.cf that a queue manager looks up: names, types, defaults, bounds, per-transport forms.
// Data only; codec/parameters turns a dictionary into settings along this table.
//
// The rows stand in the order in which the real daemon evaluates them (observed: each value was made unusable in
// turn). The order shows, because a default enters the dictionary when its parameter is evaluated, and `$name` in
// another value is empty before that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

struct Parameter {
  enum class Stage : std::uint8_t { compatibility, preset, preset_flags, names, general, networks, own };
  enum class Type : std::uint8_t { integer, long_integer, time, boolean, string };

  // acts: has an effect; overridden: replaced by the program; checked: a bad value is fatal, no other effect;
  // read: type and bounds are checked, no effect.
  enum class Use : std::uint8_t { acts, overridden, checked, read };

  // not_negative: the real program accepts negative numbers here, and mail would be stuck for ever (or worse).
  enum class Sign : std::uint8_t { any_sign, not_negative };

  Stage stage;
  Type type;
  Use use;
  Sign sign;
  std::uint8_t programs;  // kQmgr | kOqmgr
  std::int64_t min;       // of a string: its least length; 0 = no check on that side
  std::int64_t max;
  std::string_view name;
  std::string_view default_text;  // empty for myhostname, mydomain and mynetworks: from the host
  std::string_view suffix;        // TRANSPORT + suffix is the form for one transport; empty = there is none

  // What a time without unit letter means: the unit of the default.
  [[nodiscard]] constexpr char bare_unit() const {
    for (const char c : default_text) {
      if (c >= 'a' && c <= 'z') return c;
    }
    return 's';
  }
};

namespace parameter_table {

using Stage = Parameter::Stage;
using Type = Parameter::Type;
using enum Parameter::Stage;
using enum Parameter::Type;
using enum Parameter::Use;
using enum Parameter::Sign;
inline constexpr std::uint8_t kQmgr = 1;  // qmgr, and nqmgr as its other name
inline constexpr std::uint8_t kOqmgr = 2;
inline constexpr std::uint8_t kBoth = kQmgr | kOqmgr;

//= R-PAR-001 exception: whether an address may begin with a dash is decided by trivial-rewrite, which is asked
//= R-DIA-04 exception: bounce and the delivery agents heed notify_classes; no queue manager looks it up
inline constexpr auto kParameters = std::to_array<Parameter>({
    // clang-format off
    {compatibility, string, acts, any_sign, kBoth, 0, 0, "compatibility_level", "0", ""},
    {preset, string, read, any_sign, kBoth, 1, 0, "mail_version", "3.7.11", ""},
    {preset, string, acts, any_sign, kBoth, 1, 0, "syslog_facility", "mail", ""},
    {preset, string, checked, any_sign, kBoth, 0, 0, "inet_protocols", "all", ""},
    {preset, string, read, any_sign, kBoth, 0, 0, "multi_instance_directories", "", ""},
    {preset, string, read, any_sign, kBoth, 0, 0, "multi_instance_group", "", ""},
    {preset, string, acts, any_sign, kBoth, 0, 0, "multi_instance_name", "", ""},
    {preset, string, acts, any_sign, kBoth, 0, 0, "maillog_file", "", ""},
    {preset, string, acts, any_sign, kBoth, 1, 0, "maillog_file_prefixes", "/var, /dev/stdout", ""},
    {preset, string, read, any_sign, kBoth, 1, 0, "maillog_file_compressor", "gzip", ""},
    {preset, string, read, any_sign, kBoth, 1, 0, "maillog_file_rotate_suffix", "%Y%m%d-%H%M%S", ""},
    {preset, string, acts, any_sign, kBoth, 1, 0, "postlog_service_name", "postlog", ""},
    {preset, string, read, any_sign, kBoth, 0, 0, "dnssec_probe", "ns:.", ""},
    {preset, string, checked, any_sign, kBoth, 0, 0, "known_tcp_ports",
     "lmtp=24, smtp=25, smtps=submissions=465, submission=587", ""},
    {preset_flags, boolean, acts, any_sign, kBoth, 0, 0, "daemon_table_open_error_is_fatal", "no", ""},
    {preset_flags, boolean, read, any_sign, kBoth, 0, 0, "dns_ncache_ttl_fix_enable", "no", ""},
    {preset_flags, boolean, acts, any_sign, kBoth, 0, 0, "smtputf8_enable",
     "${{$compatibility_level} <level {1} ? {no} : {yes}}", ""},
    {preset_flags, boolean, read, any_sign, kBoth, 0, 0, "enable_idna2003_compatibility", "no", ""},
    {preset_flags, boolean, read, any_sign, kBoth, 0, 0, "respectful_logging",
     "${{$compatibility_level} <level {3.6} ? {no} : {yes}}", ""},
    {names, string, acts, any_sign, kBoth, 1, 0, "myhostname", "", ""},
    {names, string, checked, any_sign, kBoth, 1, 0, "mydomain", "", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "mail_name", "Postfix", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "syslog_name",
     "${multi_instance_name?{$multi_instance_name}:{postfix}}", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "mail_owner", "postfix", ""},
    {general, string, checked, any_sign, kBoth, 1, 0, "setgid_group", "postdrop", ""},
    {general, string, read, any_sign, kBoth, 0, 0, "mydestination", "$myhostname, localhost.$mydomain, localhost", ""},
    {general, string, checked, any_sign, kBoth, 1, 0, "myorigin", "$myhostname", ""},
    {general, string, checked, any_sign, kBoth, 0, 0, "relayhost", "", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "daemon_directory", "/usr/lib/postfix/sbin", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "data_directory", "/var/lib/postfix", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "command_directory", "/usr/sbin", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "meta_directory", "/etc/postfix", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "queue_directory", "/var/spool/postfix", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "shlib_directory", "/usr/lib/postfix", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "process_id_directory", "pid", ""},
    {general, string, checked, any_sign, kBoth, 0, 0, "inet_interfaces", "all", ""},
    {general, string, read, any_sign, kBoth, 0, 0, "proxy_interfaces", "", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "double_bounce_sender", "double-bounce", ""},
    {general, string, checked, any_sign, kBoth, 1, 0, "default_privs", "nobody", ""},
    {general, string, read, any_sign, kBoth, 0, 0, "alias_database", "hash:/etc/aliases", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "mail_release_date", "20240304", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "default_database_type", "hash", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "hash_queue_names", "deferred, defer", ""},
    {general, string, acts, any_sign, kBoth, 0, 0, "recipient_delimiter", "", ""},
    {general, string, acts, any_sign, kBoth, 0, 0, "relay_domains",
     "${{$compatibility_level} <level {2} ? {$mydestination} : {}}", ""},
    {general, string, acts, any_sign, kBoth, 0, 0, "fast_flush_domains", "$relay_domains", ""},
    {general, string, read, any_sign, kBoth, 0, 0, "export_environment", "TZ MAIL_CONFIG LANG", ""},
    {general, string, read, any_sign, kBoth, 0, 0, "import_environment",
     "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "mynetworks_style",
     "${{$compatibility_level} <level {2} ? {subnet} : {host}}", ""},
    {general, string, read, any_sign, kBoth, 0, 0, "debug_peer_list", "", ""},
    {general, string, checked, any_sign, kBoth, 2, 2, "default_verp_delimiters", "+=", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "verp_delimiter_filter", "-=+", ""},
    {general, string, acts, any_sign, kBoth, 0, 0, "parent_domain_matches_subdomains",
     "debug_peer_list,fast_flush_domains,mynetworks,"
     "permit_mx_backup_networks,qmqpd_authorized_clients,relay_domains,smtpd_access_maps", ""},
    {general, string, read, any_sign, kBoth, 0, 0, "alternate_config_directories", "", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "bounce_service_name", "bounce", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "cleanup_service_name", "cleanup", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "defer_service_name", "defer", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "pickup_service_name", "pickup", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "queue_service_name", "qmgr", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "rewrite_service_name", "rewrite", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "showq_service_name", "showq", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "error_service_name", "error", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "flush_service_name", "flush", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "address_verify_service_name", "verify", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "trace_service_name", "trace", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "proxymap_service_name", "proxymap", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "proxywrite_service_name", "proxywrite", ""},
    {general, string, read, any_sign, kBoth, 0, 0, "internal_mail_filter_classes", "", ""},
    {general, string, read, any_sign, kBoth, 0, 0, "multi_instance_wrapper", "", ""},
    {general, string, read, any_sign, kBoth, 0, 0, "default_delivery_status_filter", "", ""},
    {general, string, read, any_sign, kBoth, 1, 0, "smtputf8_autodetect_classes", "sendmail, verify", ""},
    {general, string, read, any_sign, kBoth, 0, 0, "message_drop_headers",
     "bcc, content-length, resent-bcc, return-path", ""},
    {general, string, acts, any_sign, kBoth, 1, 0, "info_log_address_format", "external", ""},
    {general, integer, acts, any_sign, kBoth, 1, 0, "default_process_limit", "100", ""},
    {general, integer, overridden, any_sign, kBoth, 1, 0, "max_use", "100", ""},
    {general, integer, acts, any_sign, kBoth, 0, 0, "dont_remove", "0", ""},
    {general, integer, read, any_sign, kBoth, 512, 0, "line_length_limit", "2048", ""},
    {general, integer, acts, any_sign, kBoth, 1, 0, "hash_queue_depth", "1", ""},
    {general, integer, read, any_sign, kBoth, 1, 0, "fork_attempts", "5", ""},
    {general, integer, read, any_sign, kBoth, 1, 0, "deliver_lock_attempts", "20", ""},
    {general, integer, read, any_sign, kBoth, 1, 0, "debug_peer_level", "2", ""},
    {general, integer, read, any_sign, kBoth, 0, 0, "fault_injection_code", "0", ""},
    {general, integer, read, any_sign, kBoth, 1, 0, "berkeley_db_create_buffer_size", "16777216", ""},
    {general, integer, read, any_sign, kBoth, 1, 0, "berkeley_db_read_buffer_size", "131072", ""},
    {general, integer, read, any_sign, kBoth, 1, 0, "header_size_limit", "102400", ""},
    {general, integer, read, any_sign, kBoth, 1, 0, "header_address_token_limit", "10240", ""},
    {general, integer, read, any_sign, kBoth, 1, 0, "mime_nesting_limit", "100", ""},
    {general, integer, read, any_sign, kBoth, 1, 0, "mime_boundary_length_limit", "2048", ""},
    {general, integer, acts, not_negative, kBoth, 0, 6, "delay_logging_resolution_limit", "2", ""},
    {general, integer, read, any_sign, kBoth, 0, 0, "tcp_windowsize", "0", ""},
    {general, long_integer, read, any_sign, kBoth, 0, 0, "message_size_limit", "10240000", ""},
    {general, long_integer, read, any_sign, kBoth, 1, 0, "lmdb_map_size", "16777216", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "disable_dns_lookups", "no", ""},
    {general, boolean, acts, any_sign, kBoth, 0, 0, "soft_bounce", "no", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "owner_request_special", "yes", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "strict_8bitmime", "no", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "strict_7bit_headers", "no", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "strict_8bitmime_body", "no", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "strict_mime_encoding_domain", "no", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "disable_mime_input_processing", "no", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "disable_mime_output_conversion", "no", ""},
    {general, boolean, acts, any_sign, kBoth, 0, 0, "address_verify_negative_cache", "yes", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "backwards_bounce_logfile_compatibility", "yes", ""},
    {general, boolean, acts, any_sign, kBoth, 0, 0, "helpful_warnings", "yes", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "send_cyrus_sasl_authzid", "no", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "multi_instance_enable", "no", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "enable_long_queue_ids", "no", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "strict_smtputf8", "no", ""},
    {general, boolean, read, any_sign, kBoth, 0, 0, "enable_original_recipient", "yes", ""},
    {general, time, read, any_sign, kBoth, 1, 0, "application_event_drain_time", "100s", ""},
    {general, time, overridden, any_sign, kBoth, 1, 0, "max_idle", "100s", ""},
    {general, time, overridden, any_sign, kBoth, 1, 0, "ipc_timeout", "3600s", ""},
    {general, time, acts, any_sign, kBoth, 1, 0, "ipc_idle", "5s", ""},
    {general, time, acts, any_sign, kBoth, 1, 0, "ipc_ttl", "1000s", ""},
    {general, time, read, any_sign, kBoth, 1, 0, "trigger_timeout", "10s", ""},
    {general, time, read, any_sign, kBoth, 1, 0, "fork_delay", "1s", ""},
    {general, time, read, any_sign, kBoth, 1, 0, "deliver_lock_delay", "1s", ""},
    {general, time, read, any_sign, kBoth, 1, 0, "stale_lock_time", "500s", ""},
    {general, time, acts, any_sign, kBoth, 1, 0, "daemon_timeout", "18000s", ""},
    {general, time, acts, any_sign, kBoth, 0, 10, "in_flow_delay", "1s", ""},
    {networks, string, read, any_sign, kBoth, 0, 0, "mynetworks", "", ""},
    {own, integer, acts, any_sign, kBoth, 1, 0, "qmgr_message_active_limit", "20000", ""},
    {own, integer, acts, any_sign, kBoth, 1, 0, "qmgr_message_recipient_limit", "20000", ""},
    {own, integer, acts, any_sign, kQmgr, 1, 0, "qmgr_message_recipient_minimum", "10", ""},
    //= R-PAR-014, R-PAR-015
    {own, integer, acts, not_negative, kQmgr, 0, 0, "default_recipient_limit", "20000", "_recipient_limit"},
    //= R-PAR-016, R-PAR-017
    {own, integer, acts, not_negative, kQmgr, 0, 0, "default_extra_recipient_limit", "1000", "_extra_recipient_limit"},
    //= R-PAR-018, R-PAR-019
    {own, integer, acts, any_sign, kQmgr, 1, 0, "default_recipient_refill_limit", "100", "_recipient_refill_limit"},
    //= R-PAR-040, R-PAR-041
    {own, integer, acts, not_negative, kQmgr, 0, 0, "default_delivery_slot_cost", "5", "_delivery_slot_cost"},
    //= R-PAR-052, R-PAR-053
    {own, integer, acts, not_negative, kQmgr, 0, 0, "default_delivery_slot_loan", "3", "_delivery_slot_loan"},
    //= R-PAR-049, R-PAR-050, R-PAR-051
    {own, integer, acts, not_negative, kQmgr, 0, 100, "default_delivery_slot_discount",
     "50", "_delivery_slot_discount"},
    //= R-PAR-046, R-PAR-047
    {own, integer, acts, not_negative, kQmgr, 0, 0, "default_minimum_delivery_slots", "3", "_minimum_delivery_slots"},
    //= R-PAR-025, R-PAR-028
    {own, integer, acts, any_sign, kBoth, 1, 0, "initial_destination_concurrency",
     "5", "_initial_destination_concurrency"},
    //= R-PAR-026, R-PAR-027
    {own, integer, acts, not_negative, kBoth, 0, 0, "default_destination_concurrency_limit",
     "20", "_destination_concurrency_limit"},
    //= R-PAR-038, R-PAR-039
    {own, integer, acts, not_negative, kBoth, 0, 0, "default_destination_recipient_limit",
     "50", "_destination_recipient_limit"},
    {own, integer, acts, any_sign, kOqmgr, 10, 100, "qmgr_fudge_factor", "100", ""},
    {own, integer, acts, not_negative, kBoth, 0, 0, "local_destination_recipient_limit", "1", ""},
    {own, integer, acts, not_negative, kBoth, 0, 0, "local_destination_concurrency_limit", "2", ""},
    //= R-PAR-029, R-PAR-031
    {own, integer, acts, not_negative, kBoth, 0, 0, "default_destination_concurrency_failed_cohort_limit",
     "1", "_destination_concurrency_failed_cohort_limit"},
    {own, integer, acts, any_sign, kBoth, 1, 0, "address_verify_pending_request_limit", "5000", ""},
    {own, string, acts, any_sign, kBoth, 0, 0, "defer_transports", "", ""},
    //= R-PAR-034, R-PAR-035
    {own, string, acts, any_sign, kBoth, 1, 0, "default_destination_concurrency_positive_feedback",
     "1", "_destination_concurrency_positive_feedback"},
    //= R-PAR-032, R-PAR-033
    {own, string, acts, any_sign, kBoth, 1, 0, "default_destination_concurrency_negative_feedback",
     "1", "_destination_concurrency_negative_feedback"},
    {own, string, acts, any_sign, kBoth, 0, 0, "default_filter_nexthop", "", ""},
    {own, boolean, acts, any_sign, kBoth, 0, 0, "disable_verp_bounces", "no", ""},
    {own, boolean, acts, any_sign, kBoth, 0, 0, "destination_concurrency_feedback_debug", "no", ""},
    {own, boolean, acts, any_sign, kBoth, 0, 0, "confirm_delay_cleared", "no", ""},
    {own, time, acts, any_sign, kBoth, 1, 0, "queue_run_delay", "300s", ""},
    {own, time, acts, any_sign, kBoth, 1, 0, "minimal_backoff_time", "300s", ""},
    {own, time, acts, any_sign, kBoth, 1, 0, "maximal_backoff_time", "4000s", ""},
    {own, time, acts, any_sign, kBoth, 0, 8640000, "maximal_queue_lifetime", "5d", ""},
    {own, time, acts, any_sign, kBoth, 0, 8640000, "bounce_queue_lifetime", "5d", ""},
    {own, time, acts, any_sign, kBoth, 1, 0, "transport_retry_time", "60s", ""},
    {own, time, acts, any_sign, kBoth, 0, 0, "qmgr_clog_warn_time", "300s", ""},
    //= R-PAR-020, R-PAR-021
    {own, time, acts, any_sign, kQmgr, 1, 0, "default_recipient_refill_delay", "5s", "_recipient_refill_delay"},
    //= R-PAR-071, R-PAR-072
    {own, time, acts, any_sign, kBoth, 0, 0, "default_transport_rate_delay", "0s", "_transport_rate_delay"},
    //= R-PAR-069, R-PAR-070
    {own, time, acts, any_sign, kBoth, 0, 0, "default_destination_rate_delay", "0s", "_destination_rate_delay"},
    {own, time, acts, any_sign, kBoth, 1, 0, "qmgr_daemon_timeout", "1000s", ""},
    {own, time, acts, any_sign, kBoth, 1, 0, "qmgr_ipc_timeout", "60s", ""},
    // clang-format on
});

[[nodiscard]] constexpr bool names_are_unique() {
  for (std::size_t i = 0; i < kParameters.size(); ++i) {
    for (std::size_t j = i + 1; j < kParameters.size(); ++j) {
      if (kParameters[i].name == kParameters[j].name) return false;
    }
  }
  return true;
}

[[nodiscard]] constexpr bool stages_are_in_order() {
  for (std::size_t i = 1; i < kParameters.size(); ++i) {
    if (kParameters[i].stage < kParameters[i - 1].stage) return false;
  }
  return true;
}

// The queue manager's own parameters are evaluated by type: integers, strings, booleans, times.
[[nodiscard]] constexpr bool own_types_are_in_order() {
  constexpr auto rank = [](Type type) {
    return type == Type::integer ? 0 : type == Type::string ? 1 : type == Type::boolean ? 2 : 3;
  };
  for (std::size_t i = 1; i < kParameters.size(); ++i) {
    const bool both_own = kParameters[i - 1].stage == Stage::own && kParameters[i].stage == Stage::own;
    if (both_own && rank(kParameters[i].type) < rank(kParameters[i - 1].type)) return false;
  }
  return true;
}

static_assert(names_are_unique());
static_assert(stages_are_in_order());
static_assert(own_types_are_in_order());

}  // namespace parameter_table

using parameter_table::kParameters;

[[nodiscard]] constexpr const Parameter* find_parameter(std::string_view name) {
  for (const Parameter& parameter : kParameters) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

// Facts about the process that stand in the dictionary and can be referred to, but are not settings.
inline constexpr std::array<std::string_view, 4> kProcessFacts = {"config_directory", "process_id", "process_name",
                                                                  "service_name"};

// Parameters that only Weir has. All of them keep Postfix's behaviour unless they are set.
struct WeirParameter {
  enum class Kind : std::uint8_t { word, text, number, flag };

  std::string_view name;
  Kind kind;
  std::string_view default_text;
  std::string_view words = {};  // of a word: those allowed, separated by blanks; anything else is fatal at start
  std::int64_t min = 0;         // of a number; one that is none, or below it, is fatal at start
};

// Those of kParameters that the queue manager of 2003 knew, and no others with weir_old_parameters; the forms for one
// transport of those marked so.
struct OldParameter {
  std::string_view name;
  bool per_transport = false;
  std::string_view default_text = {};  // with weir_old_defaults, where it was another one
};
inline constexpr auto kOldParameters = std::to_array<OldParameter>({
    {"qmgr_message_active_limit"},
    {"qmgr_message_recipient_limit"},
    {"qmgr_message_recipient_minimum"},
    {"default_recipient_limit", true, "10000"},
    {"default_extra_recipient_limit", true},
    {"default_delivery_slot_cost", true},
    {"default_delivery_slot_loan", true},
    {"default_delivery_slot_discount", true},
    {"default_minimum_delivery_slots", true},
    {"initial_destination_concurrency"},
    {"default_destination_concurrency_limit", true},
    {"default_destination_recipient_limit", true},
    {"local_destination_concurrency_limit"},
    {"local_destination_recipient_limit"},
    //= R-PAR-066
    {"queue_run_delay", false, "1000s"},
    //= R-PAR-058
    {"minimal_backoff_time", false, "1000s"},
    //= R-PAR-061
    {"maximal_backoff_time"},
    //= R-PAR-063
    {"maximal_queue_lifetime"},
    {"transport_retry_time"},
    {"qmgr_clog_warn_time"},
});

[[nodiscard]] constexpr const OldParameter* find_old_parameter(std::string_view name) {
  for (const OldParameter& parameter : kOldParameters) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

inline constexpr auto kWeirParameters = std::to_array<WeirParameter>({
    // Default: the name that it runs under.
    {"weir_personality", WeirParameter::Kind::word, "", "qmgr oqmgr nqmgr nqmgr-2003"},
    {"weir_brain", WeirParameter::Kind::word, "engine", "engine model"},
    {"weir_trace", WeirParameter::Kind::text, ""},
    {"weir_trace_limit", WeirParameter::Kind::number, "100000000", "", 1},
    {"weir_trace_addresses", WeirParameter::Kind::word, "hashed", "hashed plain"},
    // Habits of the queue manager of 2003 (spec/personalities.md): yes by default with weir_personality = nqmgr-2003.
    {"weir_backoff_from_arrival", WeirParameter::Kind::flag, "no"},
    {"weir_lifetime_from_arrival", WeirParameter::Kind::flag, "no"},
    {"weir_single_lifetime", WeirParameter::Kind::flag, "no"},
    {"weir_late_delay_warning", WeirParameter::Kind::flag, "no"},
    {"weir_no_trace_reports", WeirParameter::Kind::flag, "no"},
    {"weir_no_mode_requests", WeirParameter::Kind::flag, "no"},
    {"weir_late_scan_modifiers", WeirParameter::Kind::flag, "no"},
    {"weir_double_import", WeirParameter::Kind::flag, "no"},
    {"weir_single_connection", WeirParameter::Kind::flag, "no"},
    {"weir_dead_transport_keeps_mail", WeirParameter::Kind::flag, "no"},
    {"weir_crash_kills_transport", WeirParameter::Kind::flag, "no"},
    {"weir_defers_itself", WeirParameter::Kind::flag, "no"},
    {"weir_whole_steps", WeirParameter::Kind::flag, "no"},
    {"weir_late_reads", WeirParameter::Kind::flag, "no"},
    {"weir_neighbour_bundling", WeirParameter::Kind::flag, "no"},
    {"weir_silent_double_bounce", WeirParameter::Kind::flag, "no"},
    {"weir_keep_address_extension", WeirParameter::Kind::flag, "no"},
    {"weir_filter_after_resolver", WeirParameter::Kind::flag, "no"},
    {"weir_silent_removal", WeirParameter::Kind::flag, "no"},
    {"weir_old_texts", WeirParameter::Kind::flag, "no"},
    {"weir_old_defaults", WeirParameter::Kind::flag, "no"},
    {"weir_old_parameters", WeirParameter::Kind::flag, "no"},
});

}  // namespace weir
