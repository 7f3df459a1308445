#include "sync/config/settings.hpp"

#include <yaml-cpp/yaml.h>

#include <string_view>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "helper/base/text.hpp"
#include "sync/base/listen_address.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/config/yaml_reader.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;

// Far more than any settings need; a larger file is not settings but an accident.
constexpr std::size_t max_settings_bytes = 1024UL * 1024;

fs::path to_path(const YamlReader& reader, const YAML::Node& node, const std::string& value, std::string_view what) {
  if (value.starts_with("~/")) {
    return paths::home() / value.substr(2);
  }
  if (!value.starts_with('/')) {
    reader.fail(node.Mark(), std::string(what) + " must be an absolute path", "write it from / or from ~/");
  }
  return value;
}

fs::path read_path(const YamlReader& reader, const YAML::Node& node, std::string_view what) {
  return to_path(reader, node, reader.text(node, what), what);
}

// Metrics name targets and namespaces, so they are never served beyond loopback.
bool is_loopback_listener(const std::string& text) {
  bool is_loopback = false;
  return !guarded([&] { is_loopback = parse_listen_address(text).is_loopback(); }) && is_loopback;
}

void read_metrics(const YamlReader& reader, const YAML::Node& node, Settings& settings) {
  reader.expect_keys(node, "metrics", {"listen", "textfile"});
  if (const YAML::Node listen = node["listen"]) {
    settings.metrics_listen = reader.text(listen, "metrics.listen");
    if (!is_loopback_listener(settings.metrics_listen)) {
      reader.fail(listen.Mark(),
                  "metrics.listen is not a loopback address and port: " + in_quotes(settings.metrics_listen),
                  "write for example 127.0.0.1:9464");
    }
  }
  if (const YAML::Node textfile = node["textfile"]) {
    settings.metrics_file = read_path(reader, textfile, "metrics.textfile");
  }
}

Settings read(const YamlReader& reader, const YAML::Node& root) {
  Settings settings;
  if (root.IsNull()) {
    return settings;  // empty, or only comments
  }
  reader.expect_keys(root, "config.yaml",
                     {"kubeconfig", "loginFiles", "logLevel", "owner", "concurrency", "metrics", "verifyLogins",
                      "expires", "credHelpers", "notifications"});
  if (const YAML::Node node = root["kubeconfig"]) {
    settings.kubeconfig = read_path(reader, node, "kubeconfig");
  }
  if (const YAML::Node node = root["loginFiles"]) {
    for (const std::string& file : reader.list(node, "loginFiles")) {
      settings.login_files.push_back(to_path(reader, node, file, "loginFiles"));
    }
  }
  if (const YAML::Node node = root["logLevel"]) {
    const std::string level = reader.text(node, "logLevel");
    try {
      settings.log_level = log::parse_level(level);
    } catch (const Error& error) {
      reader.fail(node.Mark(), error.message(), error.remedy());
    }
  }
  if (const YAML::Node node = root["owner"]) {
    settings.owner = reader.text(node, "owner");
  }
  if (const YAML::Node node = root["concurrency"]) {
    settings.concurrency = reader.number(node, "concurrency", 1, 1000);
  }
  if (const YAML::Node node = root["verifyLogins"]) {
    settings.verify_logins = reader.boolean(node, "verifyLogins");
  }
  if (const YAML::Node node = root["expires"]) {
    settings.expires = reader.map(node, "expires", &YamlReader::date);
  }
  if (const YAML::Node node = root["notifications"]) {
    settings.notifications = reader.boolean(node, "notifications");
  }
  if (const YAML::Node node = root["credHelpers"]) {
    settings.cred_helpers = reader.map(node, "credHelpers", &YamlReader::text);
  }
  if (const YAML::Node node = root["metrics"]) {
    read_metrics(reader, node, settings);
  }
  return settings;
}

Settings parse_settings(std::string_view text, const fs::path& file) {
  Settings settings;
  const std::string source = file.string();
  const YamlReader reader(source);
  reader.load(text, "correct the YAML there", [&](const YAML::Node& root) { settings = read(reader, root); });
  return settings;
}

}  // namespace

Settings load_settings(const fs::path& file) {
  return parse_settings(read_file_if_exists(file, max_settings_bytes).value_or(""), file);
}

SettingsInForce load_settings_or_last_good(const fs::path& file, const fs::path& last_good) {
  SettingsInForce in_force;
  in_force.problem = guarded([&] {
    const std::string text = read_file_if_exists(file, max_settings_bytes).value_or("");
    in_force.settings = parse_settings(text, file);
    if (try_read_file(last_good, max_settings_bytes).value_or("") != text) {
      guarded_logged("settings", [&] { write_whole(last_good, text); });
    }
  });
  if (in_force.problem) {
    // Errors in the last good version are not reported.
    in_force.by_default = guarded([&] {
                            in_force.settings = parse_settings(read_file(last_good, max_settings_bytes), last_good);
                          }).has_value();
  }
  return in_force;
}

}  // namespace regsync
