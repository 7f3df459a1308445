// Settings are $XDG_CONFIG_HOME/regsync/config.yaml: optional, every key has a default. Value type; any thread.
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
  bool notifications = true;                             // notifications: desktop notifications for what needs the user
  std::map<std::string, std::string> cred_helpers;       // credHelpers: {REGISTRY or glob: helper}
  std::filesystem::path metrics_file;                    // metrics: textfile: PATH (node_exporter); empty: off

  bool operator==(const Settings&) const = default;
};

// A missing file gives the defaults. Throws Error(invalid_input) with file, line and the valid form.
Settings load_settings(const std::filesystem::path& file);

struct SettingsInForce {
  Settings settings;
  std::optional<Error> problem;  // why the current file is not used
  bool by_default = false;       // no earlier valid version could be read either: its content is unknown
};

// The settings for a process that must keep running: the file; if it is unusable, its last usable version, which is
// kept in `last_good`; otherwise the defaults.
SettingsInForce load_settings_or_last_good(const std::filesystem::path& file, const std::filesystem::path& last_good);

}  // namespace regsync
