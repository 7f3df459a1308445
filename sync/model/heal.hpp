// Tells whether a pod waits for exactly what a repaired Secret gives it. Pure.
#pragma once

#include <string>

#include "sync/model/docker_config_json.hpp"
#include "sync/model/pod.hpp"

namespace regsync {

// What was repaired: a Secret, or a ServiceAccount that names it now.
struct Repair {
  std::string secret;
  std::string service_account;  // empty: the Secret itself
};

// True where a new pod in its place would pull, by kubelet's rules, and this one may go: it is made anew, none of its
// containers ever ran, one waits in ErrImagePull or ImagePullBackOff, and each that does is for an image that the
// Secret has an entry for, and may lack only the login: what the node says does not plainly blame the image's name or
// the network. Of a repaired ServiceAccount: the pod runs as it and names no pull secret.
bool is_cured_by(const Pod& pod, const Repair& repair, const Payload& payload);

}  // namespace regsync
