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
  std::string secret;  // the Secret that it stands in; empty where only one is read
  std::string key;     // as it stands in "auths"
  std::string index;   // what images are matched against: without scheme, and without a leading /v1/ or /v2/
  std::string username;
  SecretString password;
  std::string email = {};
};

// The two formats that kubelet reads: that of a Secret's type kubernetes.io/dockerconfigjson, and that of
// kubernetes.io/dockercfg, which is the content of "auths" alone.
enum class PullSecretFormat { dockerconfigjson, dockercfg };

// Throws Error(unusable_login) where kubelet refuses it: then no entry of it is used, nor of any other pull secret of
// the pod.
std::vector<KubeletEntry> read_for_kubelet(std::string_view payload,
                                           PullSecretFormat format = PullSecretFormat::dockerconfigjson);

// The entries of a dockerconfigjson that kubelet would read if each stood alone.
std::vector<KubeletEntry> read_each_for_kubelet(std::string_view payload);

// Whether an entry serves an image ("docker.io/library/nginx"): host globs label by label, equal ports, the path as a
// plain prefix.
bool entry_matches(std::string_view index, std::string_view image);

// The entries that kubelet tries, in its order. Pointers into `entries`.
std::vector<const KubeletEntry*> entries_for(const std::vector<KubeletEntry>& entries, std::string_view image);

// Whether a host is Docker Hub by a name under which kubelet finds no login for it (registry-1.docker.io): the key that
// serves Hub serves images of docker.io and index.docker.io only.
bool is_hub_alias(std::string_view host);

// Why an entry that does not serve the image looks as if it did ("is for port 5001"); empty where it is of another
// registry altogether.
std::string near_miss(const KubeletEntry& entry, std::string_view image);

}  // namespace regsync
