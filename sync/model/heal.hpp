// Decides whether a pod waits for exactly what a repaired Secret provides. Pure.
#pragma once

#include <string>

#include "sync/model/docker_config_json.hpp"
#include "sync/model/pod.hpp"

namespace regsync {

// The repaired object: a Secret, or a ServiceAccount that lists it now.
struct Repair {
  std::string secret;
  std::string service_account;  // empty: the Secret itself
};

// True if a replacement pod would pull, by kubelet's rules, and this one may be evicted: its controller re-creates it,
// none of its containers ever ran, at least one waits in ErrImagePull or ImagePullBackOff, and each that does is for an
// image that the Secret has an entry for and may lack only the login, that is, the node's message does not clearly
// blame the image's name or the network. For a repaired ServiceAccount: the pod runs as it and names no pull secret.
bool is_cured_by(const Pod& pod, const Repair& repair, const Payload& payload);

}  // namespace regsync
