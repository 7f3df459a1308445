// One canonical key per registry, so that every spelling of it finds the same login.
//
// Clients disagree: docker stores "ghcr.io" or "https://ghcr.io", containers/image the bare host and "docker.io" for
// Hub, docker pulls Hub with "https://index.docker.io/v1/". RegistryKey is where they meet. Pure; any thread.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace regsync {

class RegistryKey {
 public:
  RegistryKey() = default;
  // Drops scheme, user info, a trailing "/", and a "/v1/" or "/v2/" path; lower-cases the host; folds Hub's aliases
  // (docker.io, index.docker.io, registry-1.docker.io, registry.hub.docker.com) into one. Never fails: what is no
  // registry at all becomes a key that no registry has.
  explicit RegistryKey(std::string_view server);

  [[nodiscard]] const std::string& value() const { return value_; }  // "host[:port][/path]", Hub is "docker.io"
  [[nodiscard]] std::string_view host() const;                       // "host[:port]"
  [[nodiscard]] std::string_view path() const;                       // "" or "/path"
  [[nodiscard]] bool is_hub() const { return value_ == "docker.io"; }

  // The key of a dockerconfigjson entry that kubelet finds (pkg/credentialprovider/keyring.go): Hub needs the
  // literal https://index.docker.io/v1/, the rest is value().
  [[nodiscard]] std::string auths_key() const;

  // What clients call it: those that a search by name must try.
  [[nodiscard]] std::vector<std::string> spellings() const;

  auto operator<=>(const RegistryKey&) const = default;

 private:
  std::string value_;
};

// Whether a server URL is one of the entries that Docker's device-code login keeps beside the real one
// (https://index.docker.io/v1/access-token, …/refresh-token; Desktop writes /v1//access-token). They are not pull
// credentials and never reach a cluster.
bool is_hub_token_entry(std::string_view server);

}  // namespace regsync
