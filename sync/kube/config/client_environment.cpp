#include "sync/kube/config/client_environment.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "sync/kube/http/proxy.hpp"

namespace regsync::kube {
namespace {

constexpr std::array<std::string_view, 10> of_paths = {"KUBECONFIG",
                                                       "PATH",
                                                       "SSL_CERT_FILE",
                                                       "SSL_CERT_DIR",
                                                       "DOCKER_CONFIG",
                                                       "AWS_CONFIG_FILE",
                                                       "AWS_SHARED_CREDENTIALS_FILE",
                                                       "AZURE_CONFIG_DIR",
                                                       "CLOUDSDK_CONFIG",
                                                       "TELEPORT_HOME"};
// Neither PATH nor those of OpenSSL, which then looks for a file without a name.
constexpr std::array<std::string_view, 6> unset_when_empty = {"KUBECONFIG",  "DOCKER_CONFIG", "HTTPS_PROXY",
                                                              "https_proxy", "NO_PROXY",      "no_proxy"};

std::string shown(const std::string& name, const std::string& value) {
  return name == "HTTPS_PROXY" || name == "https_proxy" ? shown_proxy(value) : absolute_value(name, value);
}

}  // namespace

std::string absolute_value(const std::string& name, const std::string& value) {
  if (std::ranges::find(of_paths, name) == of_paths.end()) {
    return value;
  }
  std::string absolute;
  std::istringstream entries(value);
  for (std::string entry; std::getline(entries, entry, ':');) {
    if (entry.empty()) {
      continue;
    }
    const bool is_relative = entry.front() != '/';
    absolute += absolute.empty() ? "" : ":";
    absolute += is_relative ? std::filesystem::absolute(entry).lexically_normal().string() : entry;
  }
  return absolute;
}

bool is_unset_when_empty(const std::string& name) {
  return std::ranges::find(unset_when_empty, name) != unset_when_empty.end();
}

std::map<std::string, std::string> client_environment() {
  std::map<std::string, std::string> environment;
  const auto add = [&](const char* name) {
    const std::string value = process_environment(name).value_or("");
    if (!value.empty()) {
      environment[name] = shown(name, value);
    }
  };
  for (const char* const name : {"KUBECONFIG", "PATH", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy",
                                 "SSL_CERT_FILE", "SSL_CERT_DIR", "DOCKER_CONFIG"}) {
    add(name);
  }
  for (const PluginVariable& variable : read_by_plugins) {
    add(variable.name);
  }
  return environment;
}

}  // namespace regsync::kube
