// Decodes a cluster described by a Secret of a hub, in these formats:
//
//   kubeconfig  a kubeconfig                          multicluster-runtime (providers/kubeconfig)
//   value       a kubeconfig                          Cluster API (util/kubeconfig)
//   server, config (JSON), name                       Argo CD (pkg/apis/application/v1alpha1, Cluster)
//
// A user who may write such a Secret chooses a server, but must not be able to read files of this process or to run any
// file: a path in a kubeconfig is refused, and an exec plugin must be a program on PATH. Pure, except for reading the
// files of the service account if the Secret means the hub itself. Any thread.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "sync/kube/config/resolved_context.hpp"

namespace regsync::kube {

// What is known about one cluster. Immutable: a newer Secret makes a new object.
struct KnownCluster {
  std::optional<ResolvedContext> context;  // nullopt: `problem` says why
  std::optional<Error> problem;
  std::map<std::string, std::string, std::less<>> labels;  // of the Secret

  bool operator==(const KnownCluster&) const = default;
};

// "NAMESPACE/NAME" of the Secret: the name of its context.
std::string context_name_of(const nlohmann::json& secret);

// Returns nullopt if no format says that the Secret describes a cluster: a selector may match others, too (Cluster API
// gives all Secrets of a cluster the same label, including its CA's keys and the kubeconfig for users). If a format
// says so but the data is missing or empty, that is a `problem`. Does not throw.
std::optional<KnownCluster> decode_cluster_secret(const nlohmann::json& secret);

}  // namespace regsync::kube
