// weir check-config: values and where they came from, remarks of all who speak, exit status. That the daemon says the
// same at start is the matter of tests/app/life/check_config_parity_test.py.
#include "app/weir/check_config.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/life/temp_dir.hpp"
#include "contract/parameter.hpp"

namespace weir::app {
namespace {

using nlohmann::json;
using Texts = std::vector<std::string>;

const std::string kStock = "qmgr unix n - n 300 1 qmgr\n";
const std::string kPeers =
    "rewrite unix - - n - - trivial-rewrite\n"
    "bounce unix - - n - 0 bounce\n"
    "defer unix - - n - 0 bounce\n"
    "trace unix - - n - 0 bounce\n"
    "retry unix - - n - - error\n"
    "error unix - - n - - error\n"
    "smtp inet n - n - - smtpd\n"
    "smtp unix - - n - - smtp\n";

// An instance whose accounts and folders are there on every machine: nothing is said of it. What a test adds to main.cf
// begins on line 8.
class Instance {
 public:
  explicit Instance(const std::string& main_cf = "", const std::string& master_cf = kStock + kPeers) {
    std::filesystem::create_directories(dir_ / "queue");
    for (const char* program : {"qmgr", "oqmgr", "nqmgr", "other"}) {
      write(program, "");
      EXPECT_EQ(chmod((dir_ / program).c_str(), 0755), 0);
    }
    write("main.cf",
          "compatibility_level = 3.6\nmyhostname = mx.test.example\nmail_owner = daemon\nsetgid_group = mail\n"
          "default_privs = nobody\nqueue_directory = " +
              dir_ / "queue" + "\ndaemon_directory = " + dir_.path() + "\n" + main_cf);
    write("master.cf", master_cf);
  }

  [[nodiscard]] std::string operator/(const std::string& name) const { return dir_ / name; }
  [[nodiscard]] const std::string& path() const { return dir_.path(); }
  void remove(const std::string& name) const { std::filesystem::remove(dir_ / name); }
  [[nodiscard]] Inspection look() const { return inspect(path()); }

 private:
  void write(const std::string& name, const std::string& text) const { std::ofstream(dir_ / name) << text; }

  testing::TempDir dir_;
};

Texts said(const Inspection& inspection) {
  Texts texts;
  for (const Remark& remark : inspection.remarks) {
    texts.push_back(remark.who + ": " + remark.text + (remark.when.empty() ? "" : " (" + remark.when + ")"));
  }
  return texts;
}

std::string shown(const std::vector<ShownSetting>& settings, const std::string& name) {
  for (const ShownSetting& setting : settings) {
    if (setting.name == name) return setting.value + "  # " + setting.source;
  }
  return "(none)";
}

std::string parameter(const Inspection& inspection, const std::string& name) {
  return inspection.managers.empty() ? "(no manager)" : shown(inspection.managers.front().parameters, name);
}

std::string field(const Inspection& inspection, const std::string& name) {
  return inspection.managers.empty() ? "(no manager)" : shown(inspection.managers.front().fields, name);
}

std::string transport(const Inspection& inspection, const std::string& name, const std::string& setting) {
  for (const ShownTransport& candidate : inspection.managers.front().transports) {
    if (candidate.name == name) return shown(candidate.settings, setting);
  }
  return "(no transport)";
}

TEST(CheckConfig, NothingToSayOfAGoodInstance) {
  const Inspection good = Instance().look();
  EXPECT_EQ(said(good), Texts{});
  EXPECT_EQ(status_of(good), kNothingToSay);
  ASSERT_EQ(good.managers.size(), 1U);
  EXPECT_EQ(field(good, "personality"), "qmgr  # the name that it runs under");
  EXPECT_EQ(field(good, "wakeup"), "300  # master.cf line 1; default 0");
  EXPECT_EQ(field(good, "unprivileged"), "y  # default");
}

TEST(CheckConfig, EveryParameterOfThePersonalityIsShown) {
  for (const char* const name : {"qmgr", "oqmgr", "nqmgr"}) {
    const Inspection inspection = Instance("", std::string("qmgr unix n - n 300 1 ") + name + "\n" + kPeers).look();
    const auto program = name == std::string("oqmgr") ? parameter_table::kOqmgr : parameter_table::kQmgr;
    for (const Parameter& row : kParameters) {
      const bool belongs = (row.programs & program) != 0;
      EXPECT_EQ(parameter(inspection, std::string(row.name)) != "(none)", belongs) << row.name;
      if (row.suffix.empty()) continue;
      EXPECT_EQ(transport(inspection, "smtp", "smtp" + std::string(row.suffix)) != "(none)", belongs) << row.name;
    }
    for (const WeirParameter& row : kWeirParameters) {
      EXPECT_NE(parameter(inspection, std::string(row.name)), "(none)") << row.name;
    }
  }
}

TEST(CheckConfig, WhereValuesComeFrom) {
  const Inspection inspection = Instance(
                                    "queue_run_delay = 60s\n"
                                    "minimal_backoff_time = $queue_run_delay\n"
                                    "qmgr_message_recipient_limit = 5\n"
                                    "bounce_queue_lifetime = 10d\n"
                                    "default_delivery_slot_cost = -4\n"
                                    "max_idle = 7\n",
                                    "# c\nqmgr unix n - n 300 1 qmgr\n  -v\n  -o { queue_run_delay = 50s }\n"
                                    "# c\n  -o syslog_name=a/$service_name\n" +
                                        kPeers)
                                    .look();
  EXPECT_EQ(parameter(inspection, "queue_run_delay"), "50s  # -o in master.cf line 4; default 300s");
  EXPECT_EQ(parameter(inspection, "minimal_backoff_time"), "50s  # main.cf line 9; default 300s");
  EXPECT_EQ(parameter(inspection, "maximal_backoff_time"), "4000s  # default");
  EXPECT_EQ(parameter(inspection, "syslog_name").substr(0, 41), "a/qmgr  # -o in master.cf line 6; default");
  EXPECT_EQ(parameter(inspection, "qmgr_message_recipient_limit"),
            "20000  # adjusted from 5, main.cf line 10; default 20000");
  EXPECT_EQ(parameter(inspection, "bounce_queue_lifetime"),
            "432000s  # adjusted from 10d, main.cf line 11; default 5d");
  EXPECT_EQ(parameter(inspection, "default_delivery_slot_cost"),
            "5  # default; main.cf line 12 is ignored: a negative number");
  EXPECT_EQ(parameter(inspection, "max_idle"), "7  # main.cf line 13; default 100s; a queue manager does not use it");
  EXPECT_EQ(shown(inspection.managers.front().overrides, "queue_run_delay"), "50s  # -o in master.cf line 4");
  EXPECT_EQ(inspection.managers.front().arguments,
            (Texts{"qmgr", "-l", "-t", "unix", "-u", "-v", "-o", "queue_run_delay = 50s", "-o",
                   "syslog_name=a/$service_name"}));
}

TEST(CheckConfig, Transports) {
  const Inspection inspection =
      Instance(
          "default_destination_concurrency_limit = 30\n"
          "smtp_destination_concurrency_limit = 3\n"
          "relay_destination_recipient_limit = x\n"
          "local_destination_concurrency_limit = 9\n"
          "smtp_destination_concurrency_negative_feedback = 7/5\n",
          kStock + kPeers +
              "relay unix - - n - - smtp\nlocal unix - n n - - local\nmine unix - n n - - pipe\n"
              "policy unix - n n - 0 spawn\nopen unix n n n - 0 pipe\nverify unix - - n - 1 verify\n")
          .look();
  Texts names;
  for (const ShownTransport& each : inspection.managers.front().transports) names.push_back(each.name);
  EXPECT_EQ(names, (Texts{"retry", "error", "smtp", "relay", "local", "mine"}));
  EXPECT_EQ(transport(inspection, "smtp", "smtp_destination_concurrency_limit"),
            "3  # main.cf line 9; default $default_destination_concurrency_limit");
  EXPECT_EQ(transport(inspection, "relay", "relay_destination_concurrency_limit"),
            "30  # $default_destination_concurrency_limit: main.cf line 8; default 20");
  EXPECT_EQ(transport(inspection, "relay", "relay_destination_recipient_limit"),
            "50  # $default_destination_recipient_limit: default; main.cf line 10 is ignored: not a number");
  EXPECT_EQ(transport(inspection, "local", "local_destination_concurrency_limit"), "9  # main.cf line 11; default 2");
  EXPECT_EQ(transport(inspection, "local", "local_destination_recipient_limit"), "1  # default");
  EXPECT_EQ(transport(inspection, "mine", "mine_recipient_refill_delay"),
            "5s  # $default_recipient_refill_delay: default");
  EXPECT_EQ(transport(inspection, "smtp", "smtp_destination_concurrency_negative_feedback"),
            "1  # main.cf line 12; default $default_destination_concurrency_negative_feedback; malformed or "
            "unreasonable, 1 is used instead of 7/5");
  EXPECT_EQ(said(inspection),
            (Texts{"qmgr: ignoring relay_destination_recipient_limit = x: not a number; using 50",
                   "qmgr: smtp_destination_concurrency_negative_feedback: ignoring malformed or unreasonable feedback: "
                   "7/5 (at the first use of transport smtp)"}));
}

TEST(CheckConfig, SlipsOfThePenInNamesOfTransports) {
  const Inspection inspection = Instance(
                                    "smpt_destination_concurrency_limit = 3\n"
                                    "smtp_extra_recipient_limit = 3\n"
                                    "smtpd_recipient_limit = 3\n"
                                    "default_recipient_limit = 3\n"
                                    "x_extra_recipient_limit = 3\n"
                                    "defer_transports = smtp, hold\n")
                                    .look();
  EXPECT_EQ(said(inspection),
            (Texts{"check-config: defer_transports: there is no transport hold in master.cf",
                   "check-config: main.cf line 8: smpt_destination_concurrency_limit: there is no transport smpt in "
                   "master.cf",
                   "check-config: main.cf line 12: x_extra_recipient_limit: there is no transport x in master.cf"}));
  EXPECT_EQ(status_of(inspection), kWarns);
  // Not read by that personality, so it has no say.
  EXPECT_EQ(said(Instance("x_extra_recipient_limit = 3\n", "qmgr unix n - n 300 1 oqmgr\n" + kPeers).look()), Texts{});
}

TEST(CheckConfig, TheLineOfTheQueueManager) {
  const auto of = [](const std::string& line) { return said(Instance("", line + "\n" + kPeers).look()); };
  EXPECT_EQ(of("qmgr unix n - n 300 - qmgr"), Texts{"qmgr: service qmgr requires a process limit of 1"});
  EXPECT_EQ(of("qmgr unix n - n 300 2 qmgr"), Texts{"qmgr: service qmgr requires a process limit of 1"});
  EXPECT_EQ(of("qmgr unix-dgram n - n 300 1 qmgr"), Texts{"qmgr: unsupported transport type: unix-dgram"});
  EXPECT_EQ(of("qmgr fifo n - n 300 1 qmgr"), Texts{});
  EXPECT_EQ(of("qmgr unix n n n 300 1 qmgr"),
            Texts{"check-config: qmgr/unix runs as root: its field unprivileged is n"});
  EXPECT_EQ(of("qmgr unix n - n 0 1 qmgr"),
            Texts{"check-config: qmgr/unix has no wakeup time: if it ends, nothing starts it again before new mail "
                  "comes"});
  EXPECT_EQ(of("qmgr unix n - n 300? 1 qmgr"),
            Texts{"check-config: qmgr/unix is woken up only after its first use: mail that is in the queue waits until "
                  "new mail comes"});
  EXPECT_EQ(of("qmgr unix - - n 300 1 qmgr"),
            Texts{"check-config: qmgr/unix is private, but its clients look for it in public/"});
  EXPECT_EQ(of("queue unix n - n 300 1 qmgr"),
            Texts{"check-config: queue/unix: its clients look for a service with the name qmgr (queue_service_name)"});
  EXPECT_EQ(of("qmgr unix n - n 300 1 qmgr junk"),
            Texts{"qmgr: unexpected command-line argument: junk (at the first trigger)"});
  EXPECT_EQ(of("qmgr unix n - n 300 1 qmgr -o foo"),
            Texts{"qmgr: invalid \"-o foo\" option value: missing '=' after attribute name"});
  EXPECT_EQ(of("other unix n - n 300 1 other -o weir_brain=model").size(), 1U);  // one of ours by its settings
  EXPECT_EQ(of("smtpd unix n - n 300 1 other"), Texts{"check-config: there is no queue manager in master.cf"});
}

TEST(CheckConfig, ThePresetLimitOfProcessesCounts) {
  EXPECT_EQ(said(Instance("default_process_limit = 1\n", "qmgr unix n - n 300 - qmgr\n" + kPeers).look()), Texts{});
}

TEST(CheckConfig, PersonalityAndItsSource) {
  const Inspection by_name = Instance("", "qmgr unix n - n 300 1 oqmgr\n" + kPeers).look();
  EXPECT_EQ(field(by_name, "personality"), "oqmgr  # the name that it runs under");
  EXPECT_EQ(parameter(by_name, "qmgr_fudge_factor"), "100  # default");
  const Inspection chosen = Instance("weir_personality = oqmgr\n").look();
  EXPECT_EQ(field(chosen, "personality"), "oqmgr  # main.cf line 8; default qmgr");
  EXPECT_EQ(transport(chosen, "smtp", "smtp_delivery_slot_cost"), "(none)");

  const Inspection old = Instance("weir_personality = nqmgr-2003\ndefault_transport_rate_delay = 3\n").look();
  EXPECT_EQ(parameter(old, "queue_run_delay"), "1000s  # default");
  EXPECT_EQ(parameter(old, "weir_whole_steps"), "yes  # default");
  EXPECT_EQ(parameter(old, "default_transport_rate_delay"),
            "0s  # default; main.cf line 9 is ignored: a name that is not known with weir_old_parameters");
  EXPECT_EQ(parameter(old, "qmgr_ipc_timeout"), "3600s  # adjusted from 60s, default");

  EXPECT_EQ(said(Instance("", "qmgr unix n - n 300 1 nqmgr\n" + kPeers).look()).size(), 3U);
}

TEST(CheckConfig, FatalOnesEndTheEvaluation) {
  const Inspection inspection = Instance("queue_run_delay = 0\nbounce_queue_lifetime = 10d\n").look();
  EXPECT_EQ(said(inspection), Texts{"qmgr: invalid queue_run_delay: 0 (min 1)"});
  EXPECT_EQ(status_of(inspection), kWouldEnd);
  EXPECT_EQ(parameter(inspection, "queue_run_delay"), "(none)");
  EXPECT_EQ(parameter(inspection, "qmgr_message_active_limit"), "20000  # default");
  EXPECT_TRUE(inspection.managers.front().transports.empty());

  EXPECT_EQ(said(Instance("qmgr_daemon_timeout = 2\n").look()), Texts{"qmgr: watchdog_create: timeout 2 is too small"});
  const Texts nowhere = said(Instance("queue_directory = /nonexistent\n").look());
  ASSERT_FALSE(nowhere.empty());
  EXPECT_EQ(nowhere.back(), "qmgr: chdir(\"/nonexistent\"): No such file or directory");
}

TEST(CheckConfig, MasterSpeaksFirst) {
  const Instance broken("foo bar\n");
  const std::string text = broken / "main.cf" + ", line 8: missing '=' after attribute name: \"foo bar\"";
  EXPECT_EQ(said(broken.look()).front(), "master: " + text);
  EXPECT_EQ(said(broken.look())[1], "qmgr: " + text);

  const Instance lines("", "x unix\n" + kStock + kPeers + kStock);
  EXPECT_EQ(said(lines.look()),
            (Texts{"master: duplicate master.cf entry for service \"qmgr\" (public/qmgr) -- using the last entry",
                   "master: " + lines / "master.cf" + ": line 1: missing \"private\" field"}));
  EXPECT_EQ(status_of(lines.look()), kWouldEnd);
  EXPECT_EQ(lines.look().managers.front().line, 11U);

  const Instance none;
  none.remove("master.cf");
  EXPECT_EQ(said(none.look()), Texts{"master: open " + none / "master.cf" + ": No such file or directory"});
  none.remove("main.cf");
  EXPECT_EQ(status_of(none.look()), kWouldEnd);
}

TEST(CheckConfig, MissingPeersAndPrograms) {
  const Inspection lonely = Instance("", kStock).look();
  EXPECT_EQ(lonely.remarks.size(), 6U);
  const Instance missing;
  missing.remove("qmgr");
  EXPECT_EQ(said(missing.look()),
            Texts{"check-config: master cannot start " + missing / "qmgr" + ": No such file or directory"});
  EXPECT_EQ(said(Instance("", kStock + "qmgr fifo n - n 300 1 qmgr\n" + kPeers).look()),
            Texts{"check-config: 2 queue managers would work on one queue"});
}

TEST(CheckConfig, TheWorkingDirectoryStays) {
  const auto before = std::filesystem::current_path();
  (void)Instance().look();
  EXPECT_EQ(std::filesystem::current_path(), before);
}

std::string printed(const Inspection& inspection, bool changed) {
  std::ostringstream out;
  print_text(inspection, changed, out);
  return out.str();
}

TEST(CheckConfig, Text) {
  const Instance instance("queue_run_delay = 60s\nfoo\n  = \x1b[1m\nrecipient_delimiter =\nweir_x = 1\n");
  EXPECT_EQ(printed(instance.look(), true),
            "# queue manager qmgr/unix: master.cf line 1: qmgr -l -t unix -u\n"
            "qmgr/unix/command = qmgr  # master.cf line 1\n"
            "qmgr/unix/private = n  # master.cf line 1; default y\n"
            "qmgr/unix/chroot = n  # master.cf line 1; default by $compatibility_level\n"
            "qmgr/unix/wakeup = 300  # master.cf line 1; default 0\n"
            "qmgr/unix/process_limit = 1  # master.cf line 1; default $default_process_limit\n"
            "# parameters of qmgr/unix\n"
            "compatibility_level = 3.6  # main.cf line 1; default 0\n"
            "myhostname = mx.test.example  # main.cf line 2\n"
            "mail_owner = daemon  # main.cf line 3; default postfix\n"
            "setgid_group = mail  # main.cf line 4; default postdrop; a queue manager only checks it\n"
            "daemon_directory = " +
                instance.path() +
                "  # main.cf line 7; default /usr/lib/postfix/sbin\n"
                "queue_directory = " +
                instance / "queue" +
                "  # main.cf line 6; default /var/spool/postfix\n"
                "default_privs = nobody  # main.cf line 5; default nobody; a queue manager only checks it\n"
                "recipient_delimiter =  # main.cf line 11\n"
                "queue_run_delay = 60s  # main.cf line 8; default 300s\n"
                "# what is said\n"
                "qmgr: warning: unknown parameter weir_x is ignored\n");
  EXPECT_NE(printed(instance.look(), false).find("\nmaximal_backoff_time = 4000s  # default\n"), std::string::npos);
}

// Whatever is in the files, a line is a line, and JSON is JSON.
TEST(CheckConfig, StrangeBytes) {
  const Instance instance("syslog_name = a\x01\xff\x1b[2J\n");
  const std::string text = printed(instance.look(), true);
  EXPECT_NE(text.find("syslog_name = a?\xff?[2J  # main.cf line 8"), std::string::npos);
  EXPECT_FALSE(json::parse(json_text(instance.look(), false)).empty());
}

TEST(CheckConfig, Json) {
  const Instance instance("queue_run_delay = 60s\n", kStock + kPeers + "x unix\n");
  std::ostringstream out;
  EXPECT_EQ(check_config({instance.path(), true, true}, out), kWouldEnd);
  const json all = json::parse(out.str());
  EXPECT_EQ(out.str().find('\n'), out.str().size() - 1);
  EXPECT_EQ(all["status"], kWouldEnd);
  EXPECT_EQ(all["config_directory"], instance.path());
  const json& parameters = all["queue_managers"][0]["parameters"];
  const json expected = {{"name", "queue_run_delay"},
                         {"value", "60s"},
                         {"default", "300s"},
                         {"source", "main.cf line 8; default 300s"},
                         {"changed", true}};
  EXPECT_NE(std::find(parameters.begin(), parameters.end(), expected), parameters.end());
  EXPECT_EQ(all["remarks"][0]["who"], "master");
  EXPECT_EQ(all["remarks"][0]["severity"], "fatal");
  EXPECT_EQ(all["remarks"][0]["when"], "start");
}

}  // namespace
}  // namespace weir::app
