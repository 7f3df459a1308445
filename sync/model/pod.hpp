// The parts of a pod that concern pulling its images. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace regsync {

// A container that waits because its image is missing.
struct PullFailure {
  std::string container;
  std::string image;   // as the pod names it
  std::string reason;  // the waiting state's reason, one of kubelet's (pkg/kubelet/images/types.go): "ImagePullBackOff"
  std::string message;  // kubelet's message
};

struct Pod {
  std::string name_space;
  std::string name;
  std::string uid;
  std::string service_account;            // "default" if the pod names none
  std::vector<std::string> pull_secrets;  // their names, in the order in which kubelet reads them
  std::string controller;                 // what created it and defines its content: "Deployment/app"; empty: nothing
  bool made_anew = false;                 // its controller replaces it whenever it is deleted
  bool is_static = false;  // from a file on its node (a mirror pod): the API can neither change nor restart it
  bool terminating = false;
  bool started = false;               // one of its containers, including init containers, has run
  std::vector<PullFailure> failures;  // one per failing container
};

// Returns nothing for an object that is not a pod with a name and a namespace.
std::optional<Pod> read_pod(const nlohmann::json& object);

// The names in the imagePullSecrets of a pod's spec, or of a ServiceAccount.
std::vector<std::string> pull_secret_names(const nlohmann::json& holder);

}  // namespace regsync
