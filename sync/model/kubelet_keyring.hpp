// Selects the entries of a pull secret that kubelet uses for an image, in its order. Pure; payloads are secret.
//
// The rules are those of Kubernetes' pkg/credentialprovider (config.go, keyring.go), not those of docker.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "helper/base/secret_string.hpp"

namespace regsync {

struct KubeletEntry {
  std::string secret;  // the Secret that contains it; empty if only one is read
  std::string key;     // as written in "auths"
  std::string index;   // what images are matched against: without scheme and without a leading /v1/ or /v2/
  std::string username;
  SecretString password;
  std::string email = {};
};

// The two formats that kubelet reads: Secret type kubernetes.io/dockerconfigjson, and type kubernetes.io/dockercfg,
// which is the content of "auths" alone.
enum class PullSecretFormat { dockerconfigjson, dockercfg };

// Throws Error(unusable_login) if kubelet refuses it: kubelet then uses no entry of it, nor of any other pull secret of
// the pod.
std::vector<KubeletEntry> read_for_kubelet(std::string_view payload,
                                           PullSecretFormat format = PullSecretFormat::dockerconfigjson);

// The entries of a dockerconfigjson that kubelet could read if each were alone.
std::vector<KubeletEntry> read_each_for_kubelet(std::string_view payload);

// Whether an entry serves an image ("docker.io/library/nginx"): host globs label by label, equal ports, the path as a
// plain prefix.
bool entry_matches(std::string_view index, std::string_view image);

// The entries that kubelet tries, in its order. Pointers into `entries`.
std::vector<const KubeletEntry*> entries_for(const std::vector<KubeletEntry>& entries, std::string_view image);

// Whether a host is an alias of Docker Hub for which kubelet finds no login (registry-1.docker.io): the key for Hub
// serves only images of docker.io and index.docker.io.
bool is_hub_alias(std::string_view host);

// Why an entry that does not serve the image looks as if it did ("is for port 5001"); empty if it is for an unrelated
// registry.
std::string near_miss(const KubeletEntry& entry, std::string_view image);

}  // namespace regsync
