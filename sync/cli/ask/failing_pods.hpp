// Reads the pods of a cluster that cannot pull, with the Secrets that kubelet would use for each.
// One io_context thread.
#pragma once

#include <asio/awaitable.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/model/pod.hpp"
#include "sync/model/pull_cause.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

// Which pods are asked for.
struct PodQuery {
  std::optional<std::string> name;      // this pod, failing or not; else those that fail
  std::vector<std::string> namespaces;  // names and globs
  bool all_namespaces = false;
  std::string label_selector;
  std::vector<Target> targets;  // without namespaces: those that the targets, as meant_in() has them, select here
};

struct PodCase {
  std::string context;
  Pod pod;
  std::vector<PullSecret> secrets;          // those that the pod names, in its order
  std::vector<PullSecret> account_secrets;  // else those of its ServiceAccount now
};

// Why a namespace or a pod is left out.
using OnUnread = std::function<void(const Error&)>;

// Throws what the cluster says; what it says of one namespace or pod only goes to on_unread. A Secret that may not be
// read is one that cannot be read; an event that may not be is left out.
asio::awaitable<std::vector<PodCase>> read_pods(kube::KubeClient& client, PodQuery query, OnUnread on_unread);

}  // namespace regsync::cli
