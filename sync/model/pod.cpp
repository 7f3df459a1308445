#include "sync/model/pod.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "sync/base/json_access.hpp"
#include "sync/model/names.hpp"

namespace regsync {
namespace {

using nlohmann::json;

// pkg/kubelet/images/types.go and cri-api/pkg/errors.
constexpr std::array<std::string_view, 7> pull_reasons{
    "ErrImagePull",      "ImagePullBackOff",    "ErrImageNeverPull",        "InvalidImageName",
    "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"};

struct ContainerLists {
  std::string_view spec;
  std::string_view status;
};
constexpr std::array<ContainerLists, 3> container_lists{{{"initContainers", "initContainerStatuses"},
                                                         {"containers", "containerStatuses"},
                                                         {"ephemeralContainers", "ephemeralContainerStatuses"}}};

using Images = std::map<std::string_view, std::string_view>;

// By container name; of duplicates, the first.
Images images_of(const json& containers) {
  Images images;
  for (const json& container : containers) {
    images.try_emplace(text_at(container, {"name"}), text_at(container, {"image"}));
  }
  return images;
}

bool has_run(const json& status) {
  return find_at(status, {"state", "running"}) != nullptr || find_at(status, {"state", "terminated"}) != nullptr ||
         find_at(status, {"lastState", "terminated"}) != nullptr;
}

void read_containers(const json& object, Pod& pod) {
  for (const auto& [spec, status] : container_lists) {
    const Images images = images_of(list_at(object, {"spec", spec}));
    for (const json& container : list_at(object, {"status", status})) {
      pod.started = pod.started || has_run(container);
      const std::string_view reason = text_at(container, {"state", "waiting", "reason"});
      if (std::ranges::find(pull_reasons, reason) == pull_reasons.end()) {
        continue;
      }
      const std::string_view name = text_at(container, {"name"});
      const auto image = images.find(name);
      pod.failures.push_back({std::string(name), std::string(image == images.end() ? "" : image->second),
                              std::string(reason), std::string(text_at(container, {"state", "waiting", "message"}))});
    }
  }
}

// The controllers of Kubernetes that keep a number of pods, whatever happens to one. For others, the end of a pod is a
// result: a Job counts a deleted one as a failure (job_controller.go, isPodFailed), and what runs to completion (Argo
// Workflow, Tekton TaskRun, OpenShift Build, Spark driver) fails with it.
bool keeps_pods(std::string_view api_version, std::string_view kind) {
  constexpr std::array<std::string_view, 3> of_apps{"ReplicaSet", "StatefulSet", "DaemonSet"};
  return api_version.starts_with("apps/") ? std::ranges::find(of_apps, kind) != of_apps.end()
                                          : api_version == "v1" && kind == "ReplicationController";
}

bool is_made_anew(const json& object) {
  return std::ranges::any_of(list_at(object, {"metadata", "ownerReferences"}), [](const json& owner) {
    return flag_at(owner, {"controller"}) && keeps_pods(text_at(owner, {"apiVersion"}), text_at(owner, {"kind"}));
  });
}

// A Deployment names its ReplicaSets "NAME-HASH" and labels their pods with the hash
// (pkg/controller/deployment/sync.go, getNewReplicaSet). It reverts other changes to them.
std::string controller_of(const json& object) {
  for (const json& owner : list_at(object, {"metadata", "ownerReferences"})) {
    const std::string_view kind = text_at(owner, {"kind"});
    if (!flag_at(owner, {"controller"}) || kind == "Node") {  // the owner of a static pod
      continue;
    }
    const std::string name(text_at(owner, {"name"}));
    const std::string suffix = "-" + std::string(text_at(object, {"metadata", "labels", "pod-template-hash"}));
    if (kind == "ReplicaSet" && suffix.size() > 1 && name.size() > suffix.size() && name.ends_with(suffix)) {
      return "Deployment/" + name.substr(0, name.size() - suffix.size());
    }
    return std::string(kind) + "/" + name;
  }
  return {};
}

}  // namespace

std::optional<Pod> read_pod(const json& object) {
  Pod pod;
  pod.name_space = text_at(object, {"metadata", "namespace"});
  pod.name = text_at(object, {"metadata", "name"});
  if (!is_label_name(pod.name_space) || !is_object_name(pod.name)) {
    return std::nullopt;
  }
  pod.uid = text_at(object, {"metadata", "uid"});
  pod.service_account = text_at(object, {"spec", "serviceAccountName"});
  if (pod.service_account.empty()) {
    pod.service_account = "default";
  }
  pod.pull_secrets = pull_secret_names(map_at(object, {"spec"}));
  pod.controller = controller_of(object);
  pod.made_anew = is_made_anew(object);
  pod.is_static = find_at(object, {"metadata", "annotations", "kubernetes.io/config.mirror"}) != nullptr;
  pod.terminating = find_at(object, {"metadata", "deletionTimestamp"}) != nullptr;
  read_containers(object, pod);
  return pod;
}

std::vector<std::string> pull_secret_names(const json& holder) {
  std::vector<std::string> names;
  for (const json& reference : list_at(holder, {"imagePullSecrets"})) {
    if (const std::string_view name = text_at(reference, {"name"}); !name.empty()) {
      names.emplace_back(name);
    }
  }
  return names;
}

}  // namespace regsync
