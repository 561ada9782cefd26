// Evaluation of the whole table. Unless a comment says otherwise every text is the real daemon's, observed.
#include "codec/parameters.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/parameter.hpp"
#include "evaluated.hpp"

namespace weir::codec {
namespace {

using testing::evaluate;
using testing::Evaluated;
using testing::SmallAccounts;
using Warnings = std::vector<std::string>;

const std::string kFile = "file /etc/postfix/main.cf: ";

TEST(Parameters, DefaultsAreGood) {
  const Evaluated result = evaluate("");
  EXPECT_EQ(result.notes, Notes{});
  const ProcessSettings& settings = result.settings;
  EXPECT_EQ(settings.queue_directory, "/var/spool/postfix");
  EXPECT_EQ(settings.data_directory, "/var/lib/postfix");
  EXPECT_EQ(settings.config_directory, "/etc/postfix");
  EXPECT_EQ(settings.mail_owner, "own");
  EXPECT_EQ(settings.owner_user_id, 100U);
  EXPECT_EQ(settings.owner_group_id, 100U);
  EXPECT_EQ(settings.myhostname, "vm.localdomain");
  EXPECT_EQ(settings.syslog_name, "postfix");
  EXPECT_EQ(settings.syslog_facility, "mail");
  EXPECT_EQ(settings.maillog_file, "");
  EXPECT_EQ(settings.maillog_file_prefixes, (Warnings{"/var", "/dev/stdout"}));
  EXPECT_EQ(settings.postlog_service_name, "postlog");
  EXPECT_EQ(settings.rewrite_service_name, "rewrite");
  EXPECT_EQ(settings.bounce_service_name, "bounce");
  EXPECT_EQ(settings.defer_service_name, "defer");
  EXPECT_EQ(settings.trace_service_name, "trace");
  EXPECT_EQ(settings.verify_service_name, "verify");
  EXPECT_EQ(settings.flush_service_name, "flush");
  EXPECT_EQ(settings.hash_queue_names, (Warnings{"deferred", "defer"}));
  EXPECT_EQ(settings.hash_queue_depth, 1);
  EXPECT_FALSE(settings.dont_remove);
  EXPECT_EQ(settings.daemon_timeout, Seconds{18000});
  EXPECT_EQ(settings.qmgr_daemon_timeout, Seconds{1000});
  EXPECT_EQ(settings.qmgr_ipc_timeout, Seconds{60});
  EXPECT_EQ(settings.ipc_idle, Seconds{5});
  EXPECT_EQ(settings.ipc_ttl, Seconds{1000});
  EXPECT_EQ(settings.in_flow_delay, Seconds{1});
  EXPECT_EQ(settings.default_process_limit, 100);
  EXPECT_EQ(settings.info_log_address_format, "external");
  EXPECT_EQ(settings.delay_logging_resolution_limit, 2);
  EXPECT_EQ(settings.verp_delimiter_filter, "-=+");
  EXPECT_EQ(settings.compatibility_level, "0");
  EXPECT_FALSE(settings.smtputf8_enable);  // compatibility level 0
  EXPECT_TRUE(settings.parents_match_in_fast_flush);
  EXPECT_EQ(settings.weir_brain, "engine");
  EXPECT_EQ(settings.weir_trace, "");
  EXPECT_EQ(settings.weir_trace_limit, 100'000'000);
  EXPECT_TRUE(settings.weir_trace_hashed);
}

//= R-PAR-010 test
//= R-PAR-011 test
//= R-PAR-013 test
//= R-PAR-025 test
TEST(Parameters, ABrainsDefaultsAreThoseOfTheContract) {
  const Evaluated result = evaluate("");
  Config expected;
  expected.myhostname = "vm.localdomain";
  expected.default_transport.positive_feedback.parameter = "default_destination_concurrency_positive_feedback";
  expected.default_transport.negative_feedback.parameter = "default_destination_concurrency_negative_feedback";
  TransportConfig local = expected.default_transport;
  local.concurrency_limit = 2;
  local.recipient_limit = 1;
  expected.transports["local"] = local;
  EXPECT_EQ(result.config, expected);
}

TEST(Parameters, EverySettingOfABrainComesFromItsParameter) {
  const Evaluated result = evaluate(
      "qmgr_message_active_limit = 11\nqmgr_message_recipient_limit = 12\nqmgr_message_recipient_minimum = 13\n"
      "initial_destination_concurrency = 14\nminimal_backoff_time = 15\nmaximal_backoff_time = 16m\n"
      "maximal_queue_lifetime = 17\nbounce_queue_lifetime = 18h\nqueue_run_delay = 19\ntransport_retry_time = 20\n"
      "qmgr_clog_warn_time = 0\nhelpful_warnings = no\ndestination_concurrency_feedback_debug = yes\n"
      "disable_verp_bounces = yes\nconfirm_delay_cleared = yes\naddress_verify_negative_cache = no\n"
      "address_verify_pending_request_limit = 21\nin_flow_delay = 0\ndefer_transports = a, b\n"
      "default_filter_nexthop = next\nmyhostname = host.example\nrecipient_delimiter = +-\n"
      "owner_request_special = no\ndouble_bounce_sender = dbs\n"
      "default_destination_concurrency_limit = 31\ndefault_destination_recipient_limit = 32\n"
      "default_destination_concurrency_positive_feedback = 1/8\n"
      "default_destination_concurrency_negative_feedback = 0.5/concurrency\n"
      "default_destination_concurrency_failed_cohort_limit = 33\ndefault_transport_rate_delay = 34\n"
      "default_destination_rate_delay = 35\ndefault_delivery_slot_cost = 36\ndefault_delivery_slot_loan = 37\n"
      "default_delivery_slot_discount = 38\ndefault_minimum_delivery_slots = 39\ndefault_recipient_limit = 40\n"
      "default_extra_recipient_limit = 41\ndefault_recipient_refill_limit = 42\ndefault_recipient_refill_delay = 43\n"
      "local_destination_concurrency_limit = 31\nlocal_destination_recipient_limit = 32\n");
  EXPECT_EQ(result.notes, Notes{});
  Config expected;
  expected.active_limit = 11;
  expected.message_recipient_limit = 12;
  expected.message_recipient_minimum = 13;
  expected.initial_concurrency = 14;
  expected.minimal_backoff = Seconds{15};
  expected.maximal_backoff = Seconds{960};
  expected.maximal_lifetime = Seconds{17 * 86400};
  expected.bounce_lifetime = Seconds{18 * 3600};
  expected.queue_run_delay = Seconds{19};
  expected.transport_retry_time = Seconds{20};
  expected.clog_warn_time = Seconds{0};
  expected.helpful_warnings = false;
  expected.feedback_debug = true;
  expected.disable_verp_bounces = true;
  expected.confirm_delay_cleared = true;
  expected.verify_negative_cache = false;
  expected.verify_pending_limit = 21;
  expected.flow_control = false;
  expected.defer_transports = {"a", "b"};
  expected.default_filter_nexthop = "next";
  expected.myhostname = "host.example";
  expected.recipient_delimiter = "+-";
  expected.owner_request_special = false;
  expected.double_bounce_sender = "dbs";
  TransportConfig& transport = expected.default_transport;
  transport.concurrency_limit = 31;
  transport.recipient_limit = 32;
  transport.initial_concurrency = 14;
  transport.positive_feedback = parse_feedback("default_destination_concurrency_positive_feedback", "1/8");
  transport.negative_feedback = parse_feedback("default_destination_concurrency_negative_feedback", "0.5/concurrency");
  transport.failed_cohort_limit = 33;
  transport.transport_rate_delay = Seconds{34};
  transport.destination_rate_delay = Seconds{35};
  transport.slot_cost = 36;
  transport.slot_loan = 37;
  transport.slot_discount = 38;
  transport.minimum_slots = 39;
  transport.recipient_pool = 40;
  transport.extra_recipients = 41;
  transport.refill_limit = 42;
  transport.refill_delay = Seconds{43};
  EXPECT_EQ(result.config, expected);
}

TEST(Parameters, EverySettingOfTheProcessComesFromItsParameter) {
  const Evaluated result = evaluate(
      "queue_directory = /q\ndata_directory = /d\nsyslog_facility = local3\nmulti_instance_name = inst\n"
      "maillog_file = /var/log/x\npostlog_service_name = pl\nrewrite_service_name = r1\nbounce_service_name = b1\n"
      "defer_service_name = d1\ntrace_service_name = t1\naddress_verify_service_name = v1\nflush_service_name = f1\n"
      "hash_queue_names = incoming\nhash_queue_depth = 2\ndont_remove = 1\ndaemon_timeout = 1m\n"
      "qmgr_daemon_timeout = 2m\nqmgr_ipc_timeout = 3m\nipc_idle = 4m\nipc_ttl = 5m\nin_flow_delay = 6\n"
      "default_process_limit = 7\ninfo_log_address_format = internal\ndelay_logging_resolution_limit = 3\n"
      "verp_delimiter_filter = -=+x\ncompatibility_level = 3.6\nfast_flush_domains = example.com\n"
      "parent_domain_matches_subdomains =\ndebugger_command = echo $process_id\nweir_brain = model\n"
      "weir_trace = private/$process_name.trace\nweir_trace_limit = 20000000000\nweir_trace_addresses = plain\n");
  EXPECT_EQ(result.notes, Notes{});
  const ProcessSettings& settings = result.settings;
  EXPECT_EQ(settings.queue_directory, "/q");
  EXPECT_EQ(settings.data_directory, "/d");
  EXPECT_EQ(settings.syslog_facility, "local3");
  EXPECT_EQ(settings.multi_instance_name, "inst");
  EXPECT_EQ(settings.syslog_name, "inst");  // its default follows multi_instance_name
  EXPECT_EQ(settings.maillog_file, "/var/log/x");
  EXPECT_EQ(settings.postlog_service_name, "pl");
  EXPECT_EQ(settings.rewrite_service_name, "r1");
  EXPECT_EQ(settings.bounce_service_name, "b1");
  EXPECT_EQ(settings.defer_service_name, "d1");
  EXPECT_EQ(settings.trace_service_name, "t1");
  EXPECT_EQ(settings.verify_service_name, "v1");
  EXPECT_EQ(settings.flush_service_name, "f1");
  EXPECT_EQ(settings.weir_brain, "model");
  EXPECT_EQ(settings.weir_trace, "private/qmgr.trace");
  EXPECT_EQ(settings.weir_trace_limit, 20'000'000'000);
  EXPECT_FALSE(settings.weir_trace_hashed);
  EXPECT_EQ(settings.hash_queue_names, Warnings{"incoming"});
  EXPECT_EQ(settings.hash_queue_depth, 2);
  EXPECT_TRUE(settings.dont_remove);
  EXPECT_EQ(settings.daemon_timeout, Seconds{60});
  EXPECT_EQ(settings.qmgr_daemon_timeout, Seconds{120});
  EXPECT_EQ(settings.qmgr_ipc_timeout, Seconds{180});
  EXPECT_EQ(settings.ipc_idle, Seconds{240});
  EXPECT_EQ(settings.ipc_ttl, Seconds{300});
  EXPECT_EQ(settings.in_flow_delay, Seconds{6});
  EXPECT_EQ(settings.default_process_limit, 7);
  EXPECT_EQ(settings.info_log_address_format, "internal");
  EXPECT_EQ(settings.delay_logging_resolution_limit, 3);
  EXPECT_EQ(settings.verp_delimiter_filter, "-=+x");
  EXPECT_EQ(settings.compatibility_level, "3.6");
  EXPECT_TRUE(settings.smtputf8_enable);
  EXPECT_EQ(settings.fast_flush_text, "example.com");
  EXPECT_FALSE(settings.parents_match_in_fast_flush);
  EXPECT_EQ(settings.debugger_command, "echo 4711");
}

struct Row {
  std::string text;
  std::string fatal;
};

//= R-PAR-051 test
TEST(Parameters, FatalTexts) {
  const std::vector<Row> rows = {
      {"compatibility_level = abc\n", "malformed compatibility level syntax: \"abc\""},
      {"syslog_facility = foo\n", kFile + "parameter syslog_facility: unrecognized value: foo"},
      {"syslog_facility = MAIL\n", kFile + "parameter syslog_facility: unrecognized value: MAIL"},
      {"syslog_facility =\n", "bad string length 0 < 1: syslog_facility = "},
      {"inet_protocols = foo\n", "unknown inet_protocols value \"foo\" in \"foo\""},
      {"inet_protocols = all ipv4 x\n", "unknown inet_protocols value \"x\" in \"all ipv4 x\""},
      {"inet_protocols = IPv4, ipv6\n", "unknown inet_protocols value \"IPv4\" in \"IPv4, ipv6\""},
      {"smtputf8_enable = x\n", "bad boolean configuration: smtputf8_enable = x"},
      {"soft_bounce = ${e} yes\n", "bad boolean configuration: soft_bounce =  yes"},
      {"soft_bounce = true\n", "bad boolean configuration: soft_bounce = true"},
      {"soft_bounce =\n", "bad boolean configuration: soft_bounce = "},
      {"mail_name =\n", "bad string length 0 < 1: mail_name = "},
      {"mydomain =\nmyhostname = a.b\n", "bad string length 0 < 1: mydomain = "},
      {"myhostname =\n", "bad string length 0 < 1: myhostname = "},
      {"myhostname = a.\n", "bad string length 0 < 1: mydomain = "},
      {"hash_queue_names =\n", "bad string length 0 < 1: hash_queue_names = "},
      {"default_verp_delimiters = x\n", "bad string length 1 < 2: default_verp_delimiters = x"},
      {"default_verp_delimiters = abc\n", "bad string length 3 > 2: default_verp_delimiters = abc"},
      {"default_verp_delimiters = x+\n",
       kFile + "parameters default_verp_delimiters and verp_delimiter_filter: bad first VERP delimiter character"},
      {"default_verp_delimiters = +x\n",
       kFile + "parameters default_verp_delimiters and verp_delimiter_filter: bad second VERP delimiter character"},
      {"verp_delimiter_filter = +\n",
       kFile + "parameters default_verp_delimiters and verp_delimiter_filter: bad second VERP delimiter character"},
      {"relayhost = VM.localdomain\n",
       "myhostname and relayhost parameter settings must not be identical: vm.localdomain"},
      {"myhostname=A.b\nrelayhost=a.B\n", "myhostname and relayhost parameter settings must not be identical: A.b"},
      {"myorigin = a b\n", "myorigin parameter setting must not contain multiple values: a b"},
      {"myorigin = a,b\n", "myorigin parameter setting must not contain multiple values: a,b"},
      {"maillog_file = /tmp/x\n", "maillog_file value '/tmp/x' does not match any prefix in maillog_file_prefixes"},
      {"maillog_file_prefixes =\n", "bad string length 0 < 1: maillog_file_prefixes = "},
      {"mynetworks_style = foo\n", "unknown mynetworks mask style value \"foo\" in \"foo\""},
      {"mynetworks_style = class x\n", "unknown mynetworks mask style value \"x\" in \"class x\""},
      {"default_process_limit = x\n", "bad numerical configuration: default_process_limit = x"},
      {"message_size_limit = 9223372036854775808\n",
       "bad numerical configuration: message_size_limit = 9223372036854775808"},
      {"lmdb_map_size = 0\n", "invalid lmdb_map_size parameter value 0 < 1"},
      {"line_length_limit = 511\n", "invalid line_length_limit parameter value 511 < 512"},
      {"delay_logging_resolution_limit = 7\n", "invalid delay_logging_resolution_limit parameter value 7 > 6"},
      {"fork_delay = x\n", "parameter fork_delay: bad time value or unit: x"},
      {"in_flow_delay = 11\n", "invalid in_flow_delay: 11 (max 10)"},
      {"max_use = x\n", "bad numerical configuration: max_use = x"},
      {"max_idle = x\n", "parameter max_idle: bad time value or unit: x"},
      {"qmgr_message_active_limit = 0\n", "invalid qmgr_message_active_limit parameter value 0 < 1"},
      {"qmgr_message_active_limit = -2147483648\n",
       "invalid qmgr_message_active_limit parameter value -2147483648 < 1"},
      {"qmgr_message_active_limit = ${e}5x\n", "bad numerical configuration: qmgr_message_active_limit = 5x"},
      {"qmgr_message_active_limit =\n", "bad numerical configuration: qmgr_message_active_limit = "},
      {"qmgr_message_active_limit = 2147483648\n",
       "bad numerical configuration: qmgr_message_active_limit = 2147483648"},
      {"qmgr_message_active_limit = 0x10\n", "bad numerical configuration: qmgr_message_active_limit = 0x10"},
      {"default_destination_concurrency_limit = - 5\n",
       "bad numerical configuration: default_destination_concurrency_limit = - 5"},
      {"local_destination_concurrency_limit = x\n",
       "bad numerical configuration: local_destination_concurrency_limit = x"},
      {"initial_destination_concurrency = 0\n", "invalid initial_destination_concurrency parameter value 0 < 1"},
      {"default_delivery_slot_discount = 101\n", "invalid default_delivery_slot_discount parameter value 101 > 100"},
      {"default_destination_concurrency_positive_feedback =\n",
       "bad string length 0 < 1: default_destination_concurrency_positive_feedback = "},
      {"transport_retry_time = s\n", "invalid transport_retry_time: 0 (min 1)"},
      {"transport_retry_time = 5 s\n", "parameter transport_retry_time: bad time value or unit: 5 s"},
      {"maximal_queue_lifetime = 101\n", "invalid maximal_queue_lifetime: 8726400 (max 8640000)"},
      {"maximal_queue_lifetime = 8640001s\n", "invalid maximal_queue_lifetime: 8640001 (max 8640000)"},
      {"confirm_delay_cleared = 1\n", "bad boolean configuration: confirm_delay_cleared = 1"},
      {"defer_transports = ${\n", "dictionary mail_dict: macro processing error"},
      {"weir_brain = foo\n", "parameter weir_brain: unrecognized value: foo"},  // ours
      {"weir_trace_addresses = none\n", "parameter weir_trace_addresses: unrecognized value: none"},
      {"weir_trace_limit = 1M\n", "bad numerical configuration: weir_trace_limit = 1M"},
      {"weir_trace_limit = 0\n", "invalid weir_trace_limit parameter value 0 < 1"},
  };
  for (const Row& row : rows) EXPECT_EQ(evaluate(row.text).notes.fatal, row.fatal) << row.text;
}

TEST(Parameters, WhatIsNotFatal) {
  const std::vector<std::string> rows = {
      "inet_protocols =\n",
      "inet_protocols = ,\n",
      "soft_bounce = yEs\n",
      "myorigin = {a}\n",
      "relayhost = [vm.localdomain]\n",
      "maillog_file = /var/../etc/x\n",
      "maillog_file = /variable\n",
      "maillog_file = /dev/stdoutx\n",
      "maillog_file = /var/log/$x\nmaillog_file_prefixes = a , /var/log\n",
      "mynetworks_style = foo\nmynetworks = 1.2.3.4\n",
      "mynetworks = x y\n",
      "default_database_type = foo\n",
      "qmgr_daemon_timeout = 1\n",
      "message_size_limit = -1\n",
      "message_size_limit = 99999999999\n",
      "default_destination_concurrency_limit = ${e} +5\n",
      "default_destination_concurrency_limit = 010\n",
      "default_destination_concurrency_limit = 2147483647\n",
      "maximal_queue_lifetime = 0\n",
      "weird = ${\n",
      "default_destination_concurrency_negative_feedback = rubbish\n",
  };
  for (const std::string& row : rows) EXPECT_EQ(evaluate(row).notes, Notes{}) << row;
}

TEST(Parameters, HostNames) {
  struct Name {
    std::string name;
    std::optional<std::string> failure;
  };
  const std::string long_label = std::string(64, 'a') + ".b";
  std::string many_labels = std::string(50, 'a');
  for (int i = 0; i < 5; ++i) many_labels += "." + std::string(50, 'a');
  const std::vector<Name> rows = {
      {"a", {}},
      {"a.b", {}},
      {"a_b.c", {}},
      {"0x1", {}},
      {"A.B", {}},
      {std::string(63, 'a') + ".b", {}},
      {"a b", "invalid character 32(decimal): a b"},
      {"-a.b", "misplaced hyphen: -a.b"},
      {"a-.b", "misplaced hyphen: a-.b"},
      {"a.-b", "misplaced hyphen: a.-b"},
      {"a.b-", "misplaced hyphen: a.b-"},
      {"a..b", "misplaced delimiter: a..b"},
      {".a", "misplaced delimiter: .a"},
      {"127.1.", "misplaced delimiter: 127.1."},
      {"1.2.3.4", "numeric hostname: 1.2.3.4"},
      {"1", "numeric hostname: 1"},
      {"[1.2.3.4]", "invalid character 91(decimal): [1.2.3.4]"},
      {"\xc3\xa9.b", "invalid character 195(decimal): \xc3\xa9.b"},
      {"::1", "invalid character 58(decimal): ::1"},
      {"*", "invalid character 42(decimal): *"},
      {long_label, "hostname label too long: " + long_label},
      {many_labels, "bad length 305 for " + many_labels.substr(0, 100) + "..."},
  };
  for (const Name& row : rows) {
    EXPECT_EQ(host_name_failure(row.name), row.failure) << row.name;
    if (!row.failure) continue;
    const Evaluated result = evaluate("myhostname = " + row.name + "\n");
    EXPECT_EQ(result.notes.warnings, Warnings{"valid_hostname: " + *row.failure});
    EXPECT_EQ(result.notes.fatal, kFile + "parameter myhostname: bad parameter value: " + row.name);
  }
}

TEST(Parameters, DomainComesFromTheHostNameAndTheOtherWayRound) {
  EXPECT_EQ(evaluate("myhostname = a.1\n").notes.fatal, kFile + "parameter mydomain: bad parameter value: 1");
  const Evaluated bad = evaluate("mydomain = a b\n");
  EXPECT_EQ(bad.notes.warnings, Warnings{"valid_hostname: invalid character 32(decimal): vm.a b"});
  EXPECT_EQ(bad.notes.fatal, kFile + "parameter myhostname: bad parameter value: vm.a b");
  EXPECT_EQ(evaluate("mydomain = example.com\n").settings.myhostname, "vm.example.com");
  EXPECT_EQ(*evaluate("myhostname = a.b.c\n").dictionary.find("mydomain"), "b.c");
  EXPECT_EQ(*evaluate("myhostname = a\n").dictionary.find("mydomain"), "localdomain");
  Surroundings full;
  full.host_name = "box.example.org";
  EXPECT_EQ(evaluate("mydomain = x.y\n", {}, {}, full).settings.myhostname, "box.example.org");
}

TEST(Parameters, Accounts) {
  struct AccountRow {
    SmallAccounts accounts;
    std::string text;
    std::string fatal;
  };
  std::vector<AccountRow> rows;
  const auto add = [&rows](const std::string& fatal, const std::string& text, auto change) {
    AccountRow row{{}, text, fatal};
    change(row.accounts);
    rows.push_back(row);
  };
  const auto same = [](SmallAccounts&) {};
  add("parameter mail_owner: unknown user name value: x", "mail_owner = x\n", same);
  add("parameter default_privs: unknown user name value: x", "default_privs = x\n", same);
  add("parameter setgid_group: unknown group name: x", "setgid_group = x\n", same);
  add("parameter default_privs: user nob has privileged user ID", "", [](auto& a) { a.users[1].user_id = 0; });
  add("parameter default_privs: user nob has privileged group ID", "", [](auto& a) { a.users[1].group_id = 0; });
  add("parameter mail_owner: user own has privileged user ID", "", [](auto& a) { a.users[0].user_id = 0; });
  add("parameter mail_owner: user own has privileged group ID", "", [](auto& a) { a.users[0].group_id = 0; });
  add("parameter mail_owner: user own has same user ID as x", "", [](auto& a) {
    a.users.insert(a.users.begin(), {"x", 100, 7});
  });
  add("parameter setgid_group: group drop has privileged group ID", "", [](auto& a) { a.groups[1].group_id = 0; });
  add("parameter setgid_group: group drop has same group ID as x", "", [](auto& a) {
    a.groups.insert(a.groups.begin(), {"x", 300});
  });
  add("parameters default_privs and mail_owner specify the same user own", "default_privs = own\n", same);
  add("parameters default_privs and mail_owner: users nob and own have the same user ID: 100", "",
      [](auto& a) { a.users[1].user_id = 100; });
  add("parameters default_privs and mail_owner: users nob and own have the same group ID: 100", "",
      [](auto& a) { a.users[1].group_id = 100; });
  add("parameters default_privs and setgid_group: user nob and group drop have the same group ID: 300", "",
      [](auto& a) { a.users[1].group_id = 300; });
  add("parameters mail_owner and setgid_group: user own and group drop have the same group ID: 300", "",
      [](auto& a) { a.users[0].group_id = 300; });
  add("parameters default_privs and setgid_group: user nob and group nob have the same group ID: 200",
      "setgid_group = nob\n", same);
  add("parameters mail_owner and setgid_group: user own and group own have the same group ID: 100",
      "setgid_group = own\n", same);
  for (const AccountRow& row : rows) {
    EXPECT_EQ(evaluate(row.text, {}, row.accounts).notes.fatal, kFile + row.fatal);
  }
  SmallAccounts later;
  later.users.push_back({"x", 100, 7});  // another name for the id is good if it comes later
  EXPECT_EQ(evaluate("", {}, later).notes, Notes{});
}

// The checks in the order in which the real daemon was seen to make them: with all of them failing, the first one
// is told of; without its line, the next one.
TEST(Parameters, OrderOfTheChecks) {
  std::vector<Row> rows = {
      {"compatibility_level = abc\n", "abc"},
      {"syslog_facility =\n", "syslog_facility = "},
      {"maillog_file_prefixes =\n", "maillog_file_prefixes"},
      {"syslog_facility = foo\n", "unrecognized value: foo"},
      {"daemon_table_open_error_is_fatal = x\n", "daemon_table_open_error_is_fatal"},
      {"smtputf8_enable = x\n", "smtputf8_enable"},
      {"enable_idna2003_compatibility = x\n", "enable_idna2003_compatibility"},
      {"respectful_logging = x\n", "respectful_logging"},
      {"inet_protocols = foo\n", "inet_protocols"},
      {"myhostname = a b\n", "myhostname"},
      {"mail_name =\n", "mail_name"},
      {"syslog_name =\n", "syslog_name"},
      {"hash_queue_names =\n", "hash_queue_names"},
      {"default_verp_delimiters = x\n", "default_verp_delimiters"},
      {"info_log_address_format =\n", "info_log_address_format"},
      {"default_process_limit = x\n", "default_process_limit"},
      {"message_size_limit = x\n", "message_size_limit"},
      {"soft_bounce = x\n", "soft_bounce"},
      {"multi_instance_enable = x\n", "multi_instance_enable"},
      {"fork_delay = x\n", "fork_delay"},
      {"in_flow_delay = x\n", "in_flow_delay"},
      {"default_privs = x\n", "default_privs"},
      {"mail_owner = x\n", "mail_owner"},
      {"setgid_group = x\n", "setgid_group"},
      {"mynetworks_style = foo\n", "mynetworks mask style"},
      {"relayhost = vm.localdomain\n", "relayhost"},
      {"myorigin = a b\n", "myorigin"},
      {"default_verp_delimiters = xy\n", "bad first VERP"},
      {"maillog_file = /tmp/x\n", "maillog_file value"},
      {"qmgr_message_active_limit = x\n", "qmgr_message_active_limit"},
      {"confirm_delay_cleared = x\n", "confirm_delay_cleared"},
      {"queue_run_delay = x\n", "queue_run_delay"},
      {"qmgr_ipc_timeout = x\n", "qmgr_ipc_timeout"},
  };
  for (std::size_t first = 0; first < rows.size(); ++first) {
    std::string text;
    for (std::size_t i = rows.size(); i > first; --i) text += rows[i - 1].text;
    const std::optional<std::string> fatal = evaluate(text).notes.fatal;
    ASSERT_TRUE(fatal.has_value());
    EXPECT_NE(fatal->find(rows[first].fatal), std::string::npos) << *fatal << " instead of " << rows[first].fatal;
  }
}

// Whatever the row, an unusable value is noticed in the table's own order.
TEST(Parameters, OrderOfTheTable) {
  std::vector<std::string> names;
  for (const Parameter& row : kParameters) {
    if ((row.programs & parameter_table::kQmgr) != 0) names.emplace_back(row.name);
  }
  for (std::size_t first = 0; first < names.size(); ++first) {
    std::string text;
    for (std::size_t i = first; i < names.size(); ++i) text += names[i] + " = ${bad_" + names[i] + "\n";
    const Evaluated result = evaluate(text);
    const Warnings& warnings = result.notes.warnings;
    ASSERT_FALSE(warnings.empty());
    // The other warnings are those about entries that replace the test's own account names.
    EXPECT_EQ(warnings.back(), "truncated macro reference: \"${bad_" + names[first] + "\"");
  }
}

TEST(Parameters, ADefaultIsVisibleOnceItWasEvaluated) {
  EXPECT_EQ(evaluate("queue_run_delay = $minimal_backoff_time\n").notes.fatal,
            "parameter queue_run_delay: bad time value or unit: ");
  EXPECT_EQ(evaluate("minimal_backoff_time = $queue_run_delay\n").config.minimal_backoff, Seconds{300});
  EXPECT_EQ(evaluate("queue_run_delay = $minimal_backoff_time\nminimal_backoff_time = 7\n").config.queue_run_delay,
            Seconds{7});
}

//= R-PAR-080 test
//= R-PAR-081 test
//= R-PAR-086 test
TEST(Parameters, ProcessFacts) {
  const std::string text = "v = $process_name $service_name $process_id $config_directory\ndefer_transports = $v\n";
  EXPECT_EQ(evaluate(text).config.defer_transports, (Warnings{"qmgr", "qmgr", "4711", "/etc/postfix"}));
  EXPECT_EQ(evaluate(text, {"process_name=pp", "service_name=ss", "process_id=1"}).config.defer_transports,
            (Warnings{"pp", "qmgr", "4711", "/etc/postfix"}));
}

//= R-PAR-084 test
TEST(Parameters, OptionsWinOverTheFile) {
  EXPECT_EQ(evaluate("syslog_name = file\n", {"syslog_name = option"}).settings.syslog_name, "option");
  EXPECT_EQ(evaluate("", {"queue_run_delay=$x", "x=5m"}).config.queue_run_delay, Seconds{300});
}

TEST(Parameters, AFatalBeforeTheOwnParametersLeavesTheOldLogTag) {
  EXPECT_FALSE(evaluate("maillog_file = /tmp/x\n").general_done);
  EXPECT_TRUE(evaluate("qmgr_message_active_limit = x\n").general_done);
}

TEST(Parameters, Facilities) {
  EXPECT_EQ(facility_number("mail"), 2 << 3);
  EXPECT_EQ(facility_number("local7"), 23 << 3);
  EXPECT_EQ(facility_number("authpriv"), 10 << 3);
  EXPECT_EQ(facility_number("MAIL"), std::nullopt);
  EXPECT_EQ(facility_number(""), std::nullopt);
}

TEST(Parameters, Repairs) {
  Evaluated result = evaluate("qmgr_message_recipient_limit = 10\nbounce_queue_lifetime = 6d\n");
  EXPECT_EQ(result.notes, Notes{});
  EXPECT_EQ(repair(result.settings, result.config).warnings,
            (Warnings{"qmgr_message_recipient_limit is smaller than qmgr_message_active_limit - adjusting "
                      "qmgr_message_recipient_limit",
                      "bounce_queue_lifetime is larger than maximal_queue_lifetime - adjusting "
                      "bounce_queue_lifetime"}));
  EXPECT_EQ(result.config.message_recipient_limit, 20000);
  EXPECT_EQ(result.config.bounce_lifetime, Seconds{5 * 86400});
  EXPECT_EQ(repair(result.settings, result.config), Notes{});
}

TEST(Parameters, FastFlushFollowsTheCompatibilityLevel) {
  Evaluated old = evaluate("myhostname = h.example\n");
  EXPECT_EQ(open_domain_lists({}, old.settings), Notes{});
  EXPECT_TRUE(old.settings.fast_flush_default_note);
  EXPECT_TRUE(old.settings.fast_flush_domains.matches("h.example"));
  EXPECT_TRUE(old.settings.fast_flush_domains.matches("localhost"));
  Evaluated modern = evaluate("myhostname = h.example\ncompatibility_level = 2\n");
  EXPECT_EQ(open_domain_lists({}, modern.settings), Notes{});
  EXPECT_FALSE(modern.settings.fast_flush_default_note);
  EXPECT_TRUE(modern.settings.fast_flush_domains.empty());
  EXPECT_FALSE(evaluate("relay_domains = x\n").settings.fast_flush_default_note);
  Evaluated table = evaluate("fast_flush_domains = hash:/x\n");
  EXPECT_EQ(open_domain_lists({}, table.settings).warnings.size(), 1U);
}

TEST(Parameters, UnknownOwnNamesAreToldOf) {
  EXPECT_EQ(evaluate("weir_brian = model\n").notes.warnings, Warnings{"unknown parameter weir_brian is ignored"});
}

TEST(Parameters, OqmgrReadsItsOwnSet) {
  Surroundings surroundings;
  surroundings.process_name = "oqmgr";
  EXPECT_EQ(evaluate("default_delivery_slot_cost = x\n", {}, {}, surroundings).notes, Notes{});
  EXPECT_EQ(evaluate("qmgr_fudge_factor = 101\n", {}, {}, surroundings).notes.fatal,
            "invalid qmgr_fudge_factor parameter value 101 > 100");
  EXPECT_EQ(evaluate("qmgr_fudge_factor = 101\n").notes, Notes{});
}

TEST(Parameters, PersonalityIsTheNameOrWhatMainCfSays) {
  for (const auto& [name, personality] :
       {std::pair{"qmgr", "qmgr"}, {"oqmgr", "oqmgr"}, {"nqmgr", "nqmgr"}, {"queue-manager", "qmgr"}}) {
    Surroundings surroundings;
    surroundings.process_name = name;
    const Evaluated result = evaluate("", {}, {}, surroundings);
    EXPECT_EQ(result.settings.weir_personality, personality);
    EXPECT_EQ(result.config.scheduler,
              personality == std::string("oqmgr") ? Scheduler::round_robin : Scheduler::preemptive);
  }
  const Evaluated chosen = evaluate("weir_personality = oqmgr\nqmgr_fudge_factor = 40\ndefault_recipient_limit = x\n");
  EXPECT_EQ(chosen.notes, Notes{});
  EXPECT_EQ(chosen.settings.weir_personality, "oqmgr");
  EXPECT_EQ(chosen.config.scheduler, Scheduler::round_robin);
  EXPECT_EQ(chosen.config.fudge_factor, 40);
  Surroundings surroundings;
  surroundings.process_name = "oqmgr";
  EXPECT_EQ(evaluate("weir_personality = qmgr\n", {}, {}, surroundings).config.scheduler, Scheduler::preemptive);
  EXPECT_EQ(evaluate("weir_personality = pqmgr\n").notes.fatal,
            "parameter weir_personality: unrecognized value: pqmgr");
}

TEST(Parameters, HabitsAreOffUnlessTheProfileOrMainCfTurnsThemOn) {
  EXPECT_EQ(evaluate("").config.habits, Habits{});
  const auto count = [](const Habits& habits) {
    int on = 0;
    int all = 0;
    habits.fields([&](std::string_view, bool value) {
      on += value ? 1 : 0;
      all += 1;
    });
    return std::pair(on, all);
  };
  const Evaluated profile = evaluate("weir_personality = nqmgr-2003\n");
  EXPECT_EQ(profile.notes, Notes{});
  EXPECT_EQ(count(profile.config.habits).first, count(profile.config.habits).second);
  EXPECT_EQ(profile.config.scheduler, Scheduler::preemptive);
  EXPECT_TRUE(profile.settings.weir_silent_removal && profile.settings.weir_old_texts);

  const Evaluated but_one = evaluate("weir_personality = nqmgr-2003\nweir_double_import = no\n");
  EXPECT_FALSE(but_one.config.habits.double_import);
  EXPECT_EQ(count(but_one.config.habits).first, count(but_one.config.habits).second - 1);
  const Evaluated one = evaluate("weir_whole_steps = YES\n");
  EXPECT_TRUE(one.config.habits.whole_steps);
  EXPECT_EQ(count(one.config.habits).first, 1);
  EXPECT_EQ(evaluate("weir_whole_steps = si\n").notes.fatal, "bad boolean configuration: weir_whole_steps = si");
}

// Each row of the table reaches the field of its name, and no other.
TEST(Parameters, EachHabitIsItsOwnSwitch) {
  int switches = 0;
  for (const WeirParameter& row : kWeirParameters) {
    if (row.kind != WeirParameter::Kind::flag) continue;
    const Evaluated result = evaluate((std::string(row.name) + " = yes\n").c_str());
    std::vector<std::string> on;
    result.config.habits.fields([&](std::string_view name, bool value) {
      if (value) on.push_back("weir_" + std::string(name));
    });
    const ProcessSettings& s = result.settings;
    if (s.weir_single_lifetime) on.push_back("weir_single_lifetime");
    if (s.weir_silent_removal) on.push_back("weir_silent_removal");
    if (s.weir_old_texts) on.push_back("weir_old_texts");
    if (s.weir_old_defaults) on.push_back("weir_old_defaults");
    if (s.weir_old_parameters) on.push_back("weir_old_parameters");
    EXPECT_EQ(on, std::vector<std::string>{std::string(row.name)});
    switches += 1;
  }
  EXPECT_EQ(switches, 22);
}

TEST(Parameters, TheOldDefaultsHoldUnlessMainCfSaysOtherwise) {
  const Evaluated result = evaluate("weir_old_defaults = yes\nqueue_run_delay = 5m\n");
  EXPECT_EQ(result.config.minimal_backoff, Seconds{1000});
  EXPECT_EQ(result.config.queue_run_delay, Seconds{300});
  EXPECT_EQ(result.config.default_transport.recipient_pool, 10000);
  EXPECT_EQ(result.settings.qmgr_ipc_timeout, Seconds{3600});
  EXPECT_EQ(evaluate("").config.minimal_backoff, Seconds{300});
}

//= R-PAR-058, R-PAR-061, R-PAR-066 test
TEST(Parameters, TheOldSetOfParametersKnowsNoOthers) {
  const char* const text =
      "weir_old_parameters = yes\ndefault_destination_rate_delay = 9s\nsmtp_destination_rate_delay = 9s\n"
      "bounce_queue_lifetime = nonsense\ndefer_transports = smtp\nsmtp_initial_destination_concurrency = 9\n"
      "smtp_destination_concurrency_limit = 7\nmaximal_queue_lifetime = 3\ntransport_retry_time = 7\n"
      "default_delivery_slot_discount = 101\n";
  EXPECT_EQ(evaluate(text).notes.fatal, "invalid default_delivery_slot_discount parameter value 101 > 100");
  const std::string good = std::string(text).substr(0, std::string(text).find("default_delivery_slot_discount"));
  const Evaluated result = evaluate(good.c_str());
  EXPECT_EQ(result.notes, Notes{});
  const Config& config = result.config;
  EXPECT_EQ(config.default_transport.destination_rate_delay, Seconds{0});
  EXPECT_EQ(config.bounce_lifetime, Seconds{5 * 86400});
  EXPECT_TRUE(config.defer_transports.empty());
  EXPECT_EQ(config.transport("smtp").destination_rate_delay, Seconds{0});
  EXPECT_EQ(config.transport("smtp").initial_concurrency, 5);
  EXPECT_EQ(config.transport("smtp").concurrency_limit, 7);
  EXPECT_EQ(config.maximal_lifetime, Seconds{3 * 86400}) << "days";
  EXPECT_EQ(config.transport_retry_time, Seconds{7}) << "seconds";
}

TEST(Parameters, OneLifetimeForAllSenders) {
  const Evaluated result =
      evaluate("weir_single_lifetime = yes\nmaximal_queue_lifetime = 2d\nbounce_queue_lifetime = 1d\n");
  EXPECT_EQ(result.config.bounce_lifetime, Seconds{2 * 86400});
}

// What a tool is told of is what counts, in the order of evaluation; a setting that is not taken comes with the reason.
TEST(Parameters, AWitnessIsToldOfEveryValue) {
  std::map<std::string, std::pair<std::string, std::string>> told;
  std::map<std::string, std::string> defaults;
  std::vector<std::string> order;
  Surroundings surroundings;
  surroundings.witness = [&](const Settled& value) {
    told[std::string(value.name)] = {std::string(value.text), std::string(value.why)};
    defaults[std::string(value.name)] = value.default_text;
    order.emplace_back(value.name);
  };
  const Evaluated result = evaluate(
      "queue_run_delay = 7s\nminimal_backoff_time = $queue_run_delay\ndefault_delivery_slot_cost = -3\n"
      "smtp_delivery_slot_cost = x\nmyhostname = mx.example\nweir_brain = model\n",
      {}, {}, surroundings);
  EXPECT_TRUE(result.notes.ok());
  using Pair = std::pair<std::string, std::string>;
  EXPECT_EQ(told["minimal_backoff_time"], (Pair{"7s", ""}));
  EXPECT_EQ(told["maximal_backoff_time"], (Pair{"4000s", ""}));
  EXPECT_EQ(told["default_delivery_slot_cost"], (Pair{"5", "a negative number"}));
  EXPECT_EQ(told["smtp_delivery_slot_cost"], (Pair{"5", "not a number"}));
  EXPECT_EQ(told["myhostname"], (Pair{"mx.example", ""}));
  EXPECT_EQ(told["mydomain"], (Pair{"example", ""}));
  EXPECT_EQ(told["weir_brain"], (Pair{"model", ""}));
  EXPECT_EQ(told["weir_personality"], (Pair{"qmgr", ""}));
  EXPECT_EQ(defaults["queue_run_delay"], "300s");
  for (const Parameter& row : kParameters) {
    EXPECT_EQ(told.count(std::string(row.name)), (row.programs & parameter_table::kQmgr) != 0 ? 1U : 0U) << row.name;
  }
  EXPECT_EQ(std::set<std::string>(order.begin(), order.end()).size(), order.size());

  told.clear();
  EXPECT_FALSE(evaluate("queue_run_delay = 0\n", {}, {}, surroundings).notes.ok());
  EXPECT_EQ(told.count("queue_run_delay"), 0U);
  EXPECT_EQ(told.count("minimal_backoff_time"), 0U);

  (void)evaluate("weir_personality = nqmgr-2003\ndefault_transport_rate_delay = 7\n", {}, {}, surroundings);
  EXPECT_EQ(told["weir_whole_steps"], (Pair{"yes", ""}));
  EXPECT_EQ(defaults["weir_whole_steps"], "yes");
  EXPECT_EQ(defaults["queue_run_delay"], "1000s");
  EXPECT_EQ(told["queue_run_delay"], (Pair{"1000s", ""}));
  EXPECT_EQ(told["default_transport_rate_delay"], (Pair{"0s", "a name that is not known with weir_old_parameters"}));
}

}  // namespace
}  // namespace weir::codec
