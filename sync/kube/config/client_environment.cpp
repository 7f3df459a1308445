#include "sync/kube/config/client_environment.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "sync/kube/http/proxy.hpp"

namespace regsync::kube {
namespace {

struct Variable {
  const char* name;
  bool is_path = false;
  // False for PATH and the variables of OpenSSL, which then looks for a file with an empty name.
  bool unset_when_empty = false;
};

constexpr std::array<Variable, 9> read_here = {{{.name = "KUBECONFIG", .is_path = true, .unset_when_empty = true},
                                                {.name = "PATH", .is_path = true},
                                                {.name = "HTTPS_PROXY", .unset_when_empty = true},
                                                {.name = "https_proxy", .unset_when_empty = true},
                                                {.name = "NO_PROXY", .unset_when_empty = true},
                                                {.name = "no_proxy", .unset_when_empty = true},
                                                {.name = "SSL_CERT_FILE", .is_path = true},
                                                {.name = "SSL_CERT_DIR", .is_path = true},
                                                {.name = "DOCKER_CONFIG", .is_path = true, .unset_when_empty = true}}};

bool is_path(std::string_view name) {
  const auto holds_one = [&](const auto& variable) { return variable.is_path && variable.name == name; };
  return std::ranges::any_of(read_here, holds_one) || std::ranges::any_of(read_by_plugins, holds_one);
}

std::string shown(const std::string& name, const std::string& value) {
  return name == "HTTPS_PROXY" || name == "https_proxy" ? shown_proxy(value) : absolute_value(name, value);
}

}  // namespace

std::string absolute_value(const std::string& name, const std::string& value) {
  if (!is_path(name)) {
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
  return std::ranges::any_of(
      read_here, [&](const Variable& variable) { return variable.unset_when_empty && variable.name == name; });
}

std::map<std::string, std::string> client_environment() {
  std::map<std::string, std::string> environment;
  const auto add = [&](const char* name) {
    const std::string value = process_environment(name).value_or("");
    if (!value.empty()) {
      environment[name] = shown(name, value);
    }
  };
  for (const Variable& variable : read_here) {
    add(variable.name);
  }
  for (const PluginVariable& variable : read_by_plugins) {
    add(variable.name);
  }
  return environment;
}

}  // namespace regsync::kube
