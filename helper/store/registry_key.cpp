#include "helper/store/registry_key.hpp"

#include <algorithm>
#include <array>

#include "helper/base/text.hpp"

namespace regsync {
namespace {

constexpr std::string_view hub = "docker.io";
constexpr std::array hub_aliases{hub, std::string_view("index.docker.io"), std::string_view("registry-1.docker.io"),
                                 std::string_view("registry.hub.docker.com")};

}  // namespace

RegistryKey::RegistryKey(std::string_view server) {
  server = trim(server);
  if (const auto scheme = server.find("://"); scheme != std::string_view::npos) {
    server.remove_prefix(scheme + 3);
  }
  std::string_view host = server.substr(0, server.find('/'));
  std::string_view path = server.substr(host.size());
  if (const auto user_info = host.rfind('@'); user_info != std::string_view::npos) {
    host.remove_prefix(user_info + 1);
  }
  while (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  if (path == "/v1" || path == "/v2") {
    path = {};
  }
  value_ = to_lower(host);
  if (std::ranges::find(hub_aliases, value_) != hub_aliases.end()) {
    value_ = hub;
  }
  value_ += path;
}

std::string_view RegistryKey::host() const { return std::string_view(value_).substr(0, value_.find('/')); }

std::string_view RegistryKey::path() const { return std::string_view(value_).substr(host().size()); }

std::string RegistryKey::auths_key() const { return is_hub() ? "https://index.docker.io/v1/" : value_; }

std::vector<std::string> RegistryKey::spellings() const {
  std::vector<std::string> all;
  const auto add = [&all](std::string_view name) {
    for (const char* scheme : {"", "https://", "http://"}) {
      for (const char* end : {"", "/"}) {
        all.push_back(scheme + std::string(name) + end);
      }
    }
  };
  if (is_hub()) {
    std::ranges::for_each(hub_aliases, add);
    all.push_back(auths_key());
  } else {
    add(value_);
  }
  return all;
}

bool is_hub_token_entry(std::string_view server) {
  const RegistryKey key(server);
  const std::string_view path = key.path();
  return key.host() == hub && path.starts_with("/v1/") &&
         (path.ends_with("/access-token") || path.ends_with("/refresh-token"));
}

}  // namespace regsync
