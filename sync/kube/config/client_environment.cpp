#include "sync/kube/config/client_environment.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "sync/kube/http/proxy.hpp"

namespace regsync::kube {
namespace {

constexpr std::array<std::string_view, 5> of_paths = {"KUBECONFIG", "PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
                                                      "DOCKER_CONFIG"};

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

std::map<std::string, std::string> client_environment() {
  std::map<std::string, std::string> environment;
  for (const char* const name : {"KUBECONFIG", "PATH", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy",
                                 "SSL_CERT_FILE", "SSL_CERT_DIR", "DOCKER_CONFIG"}) {
    const std::string value = process_environment(name).value_or("");
    if (!value.empty()) {
      environment[name] = shown(name, value);
    }
  }
  return environment;
}

}  // namespace regsync::kube
