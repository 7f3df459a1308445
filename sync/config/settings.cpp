#include "sync/config/settings.hpp"

#include <arpa/inet.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/suggest.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;

// Reads one file's nodes; knows its name, so that every fault can be said with its place.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message, const std::string& remedy) const {
    throw Error(ErrorCode::invalid_input,
                file_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": " + message,
                remedy);
  }

  void expect_keys(const YAML::Node& map, std::string_view what, const std::vector<std::string>& known) const {
    if (!map.IsMap()) {
      fail(map.Mark(), std::string(what) + " must be a mapping of keys to values", "");
    }
    for (const auto& item : map) {
      const std::string key = text(item.first, "a key");
      if (std::ranges::find(known, key) == known.end()) {
        fail(item.first.Mark(), "unknown key \"" + key + "\" in " + std::string(what), did_you_mean(key, known));
      }
    }
  }

  [[nodiscard]] std::string text(const YAML::Node& node, std::string_view what) const {
    if (!node.IsScalar()) {
      fail(node.Mark(), std::string(what) + " must be one value", "");
    }
    return node.Scalar();
  }

  [[nodiscard]] fs::path path(const YAML::Node& node, std::string_view what) const {
    std::string value = text(node, what);
    if (value.starts_with("~/")) {
      return paths::home() / value.substr(2);
    }
    if (!value.starts_with('/')) {
      fail(node.Mark(), std::string(what) + " must be an absolute path", "write it from / or from ~/");
    }
    return value;
  }

 private:
  std::string file_;
};

// "127.0.0.1:9464", "[::1]:9464" or "localhost:9464": metrics name targets and namespaces, so never beyond loopback.
bool is_loopback_listener(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return false;
  }
  const std::string_view digits = text.substr(colon + 1);
  int port = -1;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (fault != std::errc() || end != digits.data() + digits.size() || port < 0 || port > 65535) {
    return false;
  }

  const std::string host(text.substr(0, colon));
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24U) == 127;
  }
  return host == "[::1]" || host == "localhost";
}

void read_metrics(const Reader& reader, const YAML::Node& node, Settings& settings) {
  reader.expect_keys(node, "metrics", {"listen", "textfile"});
  if (const YAML::Node listen = node["listen"]) {
    settings.metrics_listen = reader.text(listen, "metrics.listen");
    if (!is_loopback_listener(settings.metrics_listen)) {
      reader.fail(listen.Mark(), "metrics.listen is no loopback address and port: \"" + settings.metrics_listen + "\"",
                  "write for example 127.0.0.1:9464");
    }
  }
  if (const YAML::Node textfile = node["textfile"]) {
    settings.metrics_file = reader.path(textfile, "metrics.textfile");
  }
}

Settings read(const Reader& reader, const YAML::Node& root) {
  Settings settings;
  if (root.IsNull()) {
    return settings;  // an empty file, or comments only
  }
  reader.expect_keys(root, "config.yaml", {"kubeconfig", "logLevel", "concurrency", "metrics"});
  if (const YAML::Node node = root["kubeconfig"]) {
    settings.kubeconfig = reader.path(node, "kubeconfig");
  }
  if (const YAML::Node node = root["logLevel"]) {
    try {
      settings.log_level = log::parse_level(reader.text(node, "logLevel"));
    } catch (const Error& error) {
      reader.fail(node.Mark(), error.message(), error.remedy());
    }
  }
  if (const YAML::Node node = root["concurrency"]) {
    const std::string value = reader.text(node, "concurrency");
    const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), settings.concurrency);
    if (fault != std::errc() || end != value.data() + value.size() || settings.concurrency < 1 ||
        settings.concurrency > 1000) {
      reader.fail(node.Mark(), "concurrency must be a number from 1 to 1000, not \"" + value + "\"",
                  "the default is 64");
    }
  }
  if (const YAML::Node node = root["metrics"]) {
    read_metrics(reader, node, settings);
  }
  return settings;
}

}  // namespace

Settings load_settings(const fs::path& file) {
  std::error_code unreadable;
  if (!fs::exists(file, unreadable) && !unreadable) {
    return {};
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw Error(ErrorCode::invalid_input, file.string() + ": cannot be read", "check its permissions");
  }
  const Reader reader(file.string());
  try {
    return read(reader, YAML::Load(std::string(std::istreambuf_iterator<char>(stream), {})));
  } catch (const YAML::Exception& error) {
    reader.fail(error.mark, error.msg, "correct the YAML there");
  }
}

}  // namespace regsync
