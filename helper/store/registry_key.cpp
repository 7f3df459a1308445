#include "helper/store/registry_key.hpp"

#include <algorithm>
#include <array>

#include "helper/base/shell_word.hpp"
#include "helper/base/text.hpp"

namespace regsync {
namespace {

constexpr std::string_view hub = "docker.io";
constexpr std::array hub_aliases{hub, std::string_view("index.docker.io"), std::string_view("registry-1.docker.io"),
                                 std::string_view("registry.hub.docker.com")};

// `nerdctl login` appends it to a host without a port.
constexpr std::string_view default_port = ":443";

// `host` is in lower case. False for an IPv6 address, for which kubelet finds no login without a port; and for this
// machine, where clients also use plain http, with default port 80.
bool names_default_port(std::string_view host) {
  return host.size() > default_port.size() && host.ends_with(default_port) &&
         host.find_first_of(":]") == host.size() - default_port.size() && !host.starts_with("localhost:") &&
         !host.starts_with("127.");
}

struct Parts {
  std::string_view account;
  std::string_view host;  // with its port
  std::string_view path;
};

Parts parts_of(std::string_view server, bool with_account) {
  server = trim(server);
  if (const auto scheme = server.find("://"); scheme != std::string_view::npos) {
    server.remove_prefix(scheme + 3);
  }
  Parts parts;
  parts.host = server.substr(0, server.find('/'));
  parts.path = server.substr(parts.host.size());
  if (const auto user_info = parts.host.rfind('@'); user_info != std::string_view::npos) {
    const std::string_view name = parts.host.substr(0, user_info);
    parts.account = with_account && is_account_name(name) ? name : "";
    parts.host.remove_prefix(user_info + 1);
  }
  while (parts.path.ends_with('/')) {
    parts.path.remove_suffix(1);
  }
  if (parts.path == "/v1" || parts.path == "/v2") {
    parts.path = {};
  }
  return parts;
}

}  // namespace

RegistryKey::RegistryKey(std::string_view server) : RegistryKey(server, true) {}

RegistryKey RegistryKey::of_client(std::string_view server) { return {server, false}; }

RegistryKey::RegistryKey(std::string_view server, bool with_account) {
  const auto [account, host, path] = parts_of(server, with_account);
  value_ = to_lower(host);
  if (names_default_port(value_)) {
    value_.resize(value_.size() - default_port.size());
  }
  if (std::ranges::find(hub_aliases, value_) != hub_aliases.end()) {
    value_ = hub;
  }
  value_ += path;
  if (!account.empty()) {
    value_.insert(0, std::string(account) + "@");
    account_size_ = account.size();
  }
}

std::string_view RegistryKey::registry() const {
  return std::string_view(value_).substr(account_size_ == 0 ? 0 : account_size_ + 1);
}

std::string_view RegistryKey::host() const { return registry().substr(0, registry().find('/')); }

std::string_view RegistryKey::path() const { return registry().substr(host().size()); }

RegistryKey RegistryKey::whole_host() const {
  RegistryKey host(*this);
  host.value_.resize(std::min(value_.find('/'), value_.size()));  // an account contains no "/"
  return host;
}

std::string RegistryKey::auths_key() const {
  return is_hub() ? "https://index.docker.io/v1/" : std::string(registry());
}

std::vector<std::string> RegistryKey::spellings() const {
  if (account_size_ > 0) {
    return {value_};
  }
  std::vector<std::string> all;
  const auto add_form = [&all](const std::string& name) {
    for (const char* scheme : {"", "https://", "http://"}) {
      for (const char* end : {"", "/"}) {
        all.push_back(scheme + name + end);
      }
    }
  };
  const auto add = [&add_form](std::string_view name) {
    add_form(std::string(name));
    const std::string_view host = name.substr(0, name.find('/'));
    if (const std::string with_port = std::string(host).append(default_port); names_default_port(with_port)) {
      add_form(with_port + std::string(name.substr(host.size())));
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

std::string auths_key_of(std::string_view registry) {
  const RegistryKey key(registry);
  std::string entry = key.auths_key();
  if (key.host() != hub && names_default_port(to_lower(parts_of(registry, true).host))) {
    entry.insert(key.host().size(), default_port);
  }
  return entry;
}

bool is_account_name(std::string_view text) {
  constexpr std::size_t longest = 63;
  const auto is_alnum = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  return !text.empty() && text.size() <= longest && is_alnum(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::string login_command(const RegistryKey& key) {
  return key.account().empty()
             ? "docker login " + shell_word(key.value())
             : "regsync login --account " + std::string(key.account()) + " " + shell_word(key.registry());
}

bool is_hub_token_entry(std::string_view server) {
  const RegistryKey key(server);
  const std::string_view path = key.path();
  return key.host() == hub && path.starts_with("/v1/") &&
         (path.ends_with("/access-token") || path.ends_with("/refresh-token"));
}

}  // namespace regsync
