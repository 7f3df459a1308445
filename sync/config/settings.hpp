// $XDG_CONFIG_HOME/regsync/config.yaml: optional, every key has a default. Value type; any thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/log.hpp"

namespace regsync {

struct Settings {
  std::optional<std::filesystem::path> kubeconfig;       // kubeconfig: PATH; else $KUBECONFIG or ~/.kube/config
  std::vector<std::filesystem::path> login_files;        // loginFiles: [PATH]: of Docker's format, beside the keyring
  log::Level log_level = log::Level::info;               // logLevel: debug|info|warning|error
  std::string owner;                                     // owner: NAME; empty: the id of this installation
  int concurrency = 64;                                  // concurrency: requests in flight per context
  std::string metrics_listen;                            // metrics: listen: 127.0.0.1:9464 (loopback only); empty: off
  bool verify_logins = true;                             // verifyLogins: try each new login once at its registry
  std::map<std::string, std::chrono::sys_days> expires;  // expires: {REGISTRY: DATE}
  bool notifications = true;                             // notifications: tell the desktop what needs a person
  std::map<std::string, std::string> cred_helpers;       // credHelpers: {REGISTRY or glob: helper}
  std::filesystem::path metrics_file;                    // metrics: textfile: PATH (node_exporter); empty: off

  bool operator==(const Settings&) const = default;
};

// A file that does not exist gives the defaults. Throws Error(invalid_input) with file, line and what would be right.
Settings load_settings(const std::filesystem::path& file);

struct SettingsInForce {
  Settings settings;
  std::optional<Error> problem;  // why the file as it is now does not count
  bool by_default = false;       // and no version of it that did could be read: what it says is not known
};

// What a process that must go on uses: the file; where it cannot be used, the last version of it that could, which is
// kept in `last_good`; else the defaults.
SettingsInForce load_settings_or_last_good(const std::filesystem::path& file, const std::filesystem::path& last_good);

}  // namespace regsync
