// The payload of a kubernetes.io/dockerconfigjson Secret, byte for byte what `kubectl create secret docker-registry`
// writes for the same login (kubectl pkg/cmd/create/create_secret_docker.go), and which logins may go into one.
//
// One entry that kubelet cannot parse breaks every pull secret of the pod, so unfit entries are never written. Pure;
// any thread. The payload holds secrets: it lives in SecretString and is sent to the API server only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"
#include "helper/store/credential.hpp"
#include "sync/base/digest.hpp"
#include "sync/model/login_keeper.hpp"

namespace regsync {

// Limit for a user name and a secret together: a Secret holds 1 MiB (k8s.io/api/core/v1, MaxSecretSize) and contains
// both twice, once in base64, so anything longer never fits.
inline constexpr std::size_t max_login_bytes = std::size_t{512} << 10U;

// Why kubelet could not pull with this login (pkg/credentialprovider/config.go), as unusable_login with its remedy;
// nothing if it can.
std::optional<Error> unfit_for_kubelet(const Credential& credential, const LoginKeeper& keeper = {});

// The "auth" member of an entry: base64 of USER:PASSWORD.
SecretString auth_of(std::string_view username, const SecretString& password);

// One entry of "auths".
struct PullEntry {
  std::string username;
  SecretString password;
  std::string email;
};

// By the key that kubelet looks up (auths_key_of), in the order in which Go writes a map.
using PullEntries = std::map<std::string, PullEntry, std::less<>>;

// The desired content of a Secret, ready to be compared and sent.
class Payload {
 public:
  explicit Payload(const PullEntries& entries);

  [[nodiscard]] std::string_view base64() const { return base64_.reveal(); }  // of the JSON text
  [[nodiscard]] const Digest& digest() const { return digest_; }              // of base64()
  // Unique among all payloads of the process, now and later (an address may be reused).
  [[nodiscard]] std::uint64_t id() const { return id_; }

 private:
  SecretString base64_;
  Digest digest_;
  std::uint64_t id_;
};

// Reads the entries of an existing payload, for those that must be kept, as kubelet does: each by the key of the
// registry that it serves, whatever its spelling. Entries that kubelet ignores or cannot read are omitted.
PullEntries parse_docker_config_json(std::string_view json);

}  // namespace regsync
