// $XDG_CONFIG_HOME/regsync/config.yaml: optional, every key has a default. Value type; any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sync/base/log.hpp"

namespace regsync {

struct Settings {
  std::optional<std::filesystem::path> kubeconfig;  // kubeconfig: PATH; else $KUBECONFIG or ~/.kube/config
  log::Level log_level = log::Level::info;          // logLevel: debug|info|warning|error
  int concurrency = 64;                             // concurrency: requests in flight per context
  std::string metrics_listen;                       // metrics: listen: 127.0.0.1:9464 (loopback only); empty: off
  std::filesystem::path metrics_file;               // metrics: textfile: PATH (node_exporter); empty: off

  bool operator==(const Settings&) const = default;
};

// A file that does not exist gives the defaults. Throws Error(invalid_input) with file, line and what would be right.
Settings load_settings(const std::filesystem::path& file);

}  // namespace regsync
