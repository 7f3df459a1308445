// One canonical key per registry, so that every spelling of it finds the same login.
//
// Clients disagree: docker stores "ghcr.io" or "https://ghcr.io", nerdctl "ghcr.io:443", containers/image the bare host
// and "docker.io" for Hub, docker pulls Hub with "https://index.docker.io/v1/". RegistryKey maps them all to one key.
//
// A registry may have several logins: one per account. "work@ghcr.io" names the login of the account "work", as
// `regsync login` stores it and targets use it. An account is not a user name: it is a name that the user chooses for a
// login. Docker's clients have no accounts, so of_client drops user info from their servers. Pure; any thread.
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
  // [ACCOUNT@]SERVER. Drops the scheme, user info that is not an account name, a trailing "/", and a "/v1/" or "/v2/"
  // path; lower-cases the host, and drops its port 443 unless it is IPv6 or this machine; folds Hub's aliases
  // (docker.io, index.docker.io, registry-1.docker.io, registry.hub.docker.com) into one. Never fails: text that is not
  // a registry becomes a key that no registry has.
  explicit RegistryKey(std::string_view server);

  // For a server named by one of Docker's clients: without an account.
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

  // The key that a dockerconfigjson entry must have for kubelet to find it (pkg/credentialprovider/keyring.go): the
  // literal https://index.docker.io/v1/ for Hub, registry() for others. See also auths_key_of().
  [[nodiscard]] std::string auths_key() const;
  // Whether a server is the auths_key() of its registry. Docker's clients look up that key, or HOST:443 as written.
  [[nodiscard]] static bool is_auths_key(const std::string& server) {
    return server == RegistryKey(server).auths_key();
  }

  // The names under which the login may be stored, which a search by name must try.
  [[nodiscard]] std::vector<std::string> spellings() const;

  auto operator<=>(const RegistryKey&) const = default;

 private:
  RegistryKey(std::string_view server, bool with_account);

  std::string value_;
  std::size_t account_size_ = 0;
};

// The auths_key() for images whose names spell the registry this way. Keeps ":443", because kubelet requires equal
// ports.
std::string auths_key_of(std::string_view registry);

// Whether a text is a valid account name: up to 63 ASCII letters, digits, "-", "_" and ".", starting with a letter or
// digit.
bool is_account_name(std::string_view text);

// The command to log in: `docker login ghcr.io`, or `regsync login --account work ghcr.io`.
std::string login_command(const RegistryKey& key);

// Whether a server URL is one of the entries that Docker's device-code login keeps beside the real one
// (https://index.docker.io/v1/access-token, …/refresh-token; Desktop writes /v1//access-token). They are not pull
// credentials and never reach a cluster.
bool is_hub_token_entry(std::string_view server);

}  // namespace regsync
