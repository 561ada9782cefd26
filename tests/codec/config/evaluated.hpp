// A whole start of the daemon as far as settings go, with a small user database of our own.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "codec/main_cf.hpp"
#include "codec/options.hpp"
#include "codec/parameters.hpp"

namespace weir::codec::testing {

class SmallAccounts : public Accounts {
 public:
  std::vector<User> users = {{"own", 100, 100}, {"nob", 200, 200}};
  std::vector<Group> groups = {{"own", 100}, {"drop", 300}, {"nob", 200}};

  [[nodiscard]] std::optional<User> user(const std::string& name) const override {
    for (const User& entry : users) {
      if (entry.name == name) return entry;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<User> user_with_id(std::uint32_t id) const override {
    for (const User& entry : users) {
      if (entry.user_id == id) return entry;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<Group> group(const std::string& name) const override {
    for (const Group& entry : groups) {
      if (entry.name == name) return entry;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<Group> group_with_id(std::uint32_t id) const override {
    for (const Group& entry : groups) {
      if (entry.group_id == id) return entry;
    }
    return std::nullopt;
  }
};

struct Evaluated {
  Notes notes;  // of all steps
  ProcessSettings settings;
  Config config;
  Dictionary dictionary;
  bool general_done = false;
};

inline const std::string kAccountLines = "mail_owner = own\nsetgid_group = drop\ndefault_privs = nob\n";

// `text` is main.cf; what it says of the accounts comes after kAccountLines.
inline Evaluated evaluate(const std::string& text, const std::vector<std::string>& options = {},
                          const SmallAccounts& accounts = {}, Surroundings surroundings = {}) {
  if (surroundings.host_name.empty()) surroundings.host_name = "vm";
  surroundings.process_id = 4711;
  Evaluated result;
  result.dictionary = start_dictionary(surroundings);
  const std::string path = surroundings.config_directory + "/main.cf";
  Notes ignored = read_main_cf(result.dictionary, path, kAccountLines);
  result.notes = read_main_cf(result.dictionary, path, text);
  for (const std::string& option : options) {
    const Setting setting = split_setting(option).setting;
    result.dictionary.set(setting.name, setting.value);
  }
  set_process_facts(surroundings, result.dictionary);
  if (!result.notes.ok()) return result;
  result.notes.append(evaluate_general(surroundings, accounts, result.dictionary, result.settings, result.config));
  if (!result.notes.ok()) return result;
  result.general_done = true;
  result.notes.append(evaluate_queue_manager(surroundings, result.dictionary, result.settings, result.config));
  return result;
}

}  // namespace weir::codec::testing
