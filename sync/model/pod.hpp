// A pod, as far as the pull of its images is concerned. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace regsync {

// A container that waits because its image is not there.
struct PullFailure {
  std::string container;
  std::string image;    // as the pod names it
  std::string reason;   // of the waiting state, one of kubelet's (pkg/kubelet/images/types.go): "ImagePullBackOff"
  std::string message;  // kubelet's own words
};

struct Pod {
  std::string name_space;
  std::string name;
  std::string uid;
  std::string service_account;            // "default" where the pod names none
  std::vector<std::string> pull_secrets;  // their names, in the order in which kubelet reads them
  std::string controller;                 // "Deployment/app" made it, and says what is in it; empty: nothing does
  bool made_anew = false;                 // whenever it goes, its controller makes another one in its place
  bool is_static = false;  // of a file on its node (a mirror pod): the API can neither change nor restart it
  bool terminating = false;
  bool started = false;               // one of its containers, init containers too, has run
  std::vector<PullFailure> failures;  // one for each such container
};

// Nothing for what is no pod with a name and a namespace.
std::optional<Pod> read_pod(const nlohmann::json& object);

// The names in the imagePullSecrets of a pod's spec, or of a ServiceAccount.
std::vector<std::string> pull_secret_names(const nlohmann::json& holder);

}  // namespace regsync
