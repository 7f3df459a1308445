// One canonical key per registry, so that every spelling of it finds the same login.
//
// Clients disagree: docker stores "ghcr.io" or "https://ghcr.io", nerdctl "ghcr.io:443", containers/image the bare host
// and "docker.io" for Hub, docker pulls Hub with "https://index.docker.io/v1/". RegistryKey is where they meet.
//
// A registry may have several logins: one per account. "work@ghcr.io" names the login of the account "work", as
// `regsync login` stores it and targets use it. An account is no user name: it is the person's own word for a login.
// Docker's clients have no accounts, so of what they say, user info is dropped (of_client). Pure; any thread.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace regsync {

class RegistryKey {
 public:
  RegistryKey() = default;
  // [ACCOUNT@]SERVER. Drops scheme, user info that is no account name, a trailing "/", and a "/v1/" or "/v2/" path;
  // lower-cases the host, and drops its port 443, unless it is IPv6 or this machine; folds Hub's aliases (docker.io,
  // index.docker.io, registry-1.docker.io, registry.hub.docker.com) into one. Never fails: what is no registry at all
  // becomes a key that no registry has.
  explicit RegistryKey(std::string_view server);

  // Of a server that one of Docker's clients names: without an account.
  static RegistryKey of_client(std::string_view server);

  // "[account@]host[:port][/path]", Hub is "docker.io". RegistryKey(value()) is the same key.
  [[nodiscard]] const std::string& value() const { return value_; }
  [[nodiscard]] std::string_view account() const { return std::string_view(value_).substr(0, account_size_); }
  [[nodiscard]] std::string_view registry() const;  // "host[:port][/path]"
  [[nodiscard]] std::string_view host() const;      // "host[:port]"
  [[nodiscard]] std::string_view path() const;      // "" or "/path"
  [[nodiscard]] bool is_hub() const { return registry() == "docker.io"; }

  // The same account at the whole host.
  [[nodiscard]] RegistryKey whole_host() const;

  // The key of a dockerconfigjson entry that kubelet finds (pkg/credentialprovider/keyring.go): Hub needs the
  // literal https://index.docker.io/v1/, the rest is registry(). See also auths_key_of().
  [[nodiscard]] std::string auths_key() const;
  // Whether a server is the auths_key() of its registry. Docker's clients look that up, or HOST:443 as it is written.
  [[nodiscard]] static bool is_auths_key(const std::string& server) {
    return server == RegistryKey(server).auths_key();
  }

  // Under which names the login may be stored: those that a search by name must try.
  [[nodiscard]] std::vector<std::string> spellings() const;

  auto operator<=>(const RegistryKey&) const = default;

 private:
  RegistryKey(std::string_view server, bool with_account);

  std::string value_;
  std::size_t account_size_ = 0;
};

// The auths_key() for images whose names have the registry as it is written here: kubelet demands equal ports, so that
// ":443" stays.
std::string auths_key_of(std::string_view registry);

// Whether a text can name an account: up to 63 ASCII letters, digits, "-", "_" and ".", a letter or digit first.
bool is_account_name(std::string_view text);

// The command with which a person logs in: `docker login ghcr.io`, or `regsync login --account work ghcr.io`.
std::string login_command(const RegistryKey& key);

// Whether a server URL is one of the entries that Docker's device-code login keeps beside the real one
// (https://index.docker.io/v1/access-token, …/refresh-token; Desktop writes /v1//access-token). They are not pull
// credentials and never reach a cluster.
bool is_hub_token_entry(std::string_view server);

}  // namespace regsync
