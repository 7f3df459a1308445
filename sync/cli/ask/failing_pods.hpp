// Reads the pods of a cluster that cannot pull images, with the Secrets that kubelet would use for each. One io_context
// thread.
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

// Selects pods.
struct PodQuery {
  std::optional<std::string> name;      // this pod, failing or not; nullopt: all that fail
  std::vector<std::string> namespaces;  // names and globs
  bool all_namespaces = false;
  std::string label_selector;
  std::vector<Target> targets;  // if `namespaces` is empty: those that the targets, resolved by meant_in(), select here
};

struct PodCase {
  std::string context;
  Pod pod;
  std::vector<PullSecret> secrets;          // those that the pod lists, in its order
  std::vector<PullSecret> account_secrets;  // otherwise the present ones of its ServiceAccount
};

// Gets why a namespace or a pod is left out.
using OnUnread = std::function<void(const Error&)>;

// Throws the API server's errors; an error that concerns a single namespace or pod goes to on_unread. A Secret that
// RBAC hides is returned as unreadable; hidden events are ignored.
asio::awaitable<std::vector<PodCase>> read_pods(kube::KubeClient& client, PodQuery query, OnUnread on_unread);

}  // namespace regsync::cli
