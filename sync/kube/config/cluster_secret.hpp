// A cluster as a Secret of a hub describes it, in the formats of those who write such Secrets:
//
//   kubeconfig  a kubeconfig                          multicluster-runtime (providers/kubeconfig)
//   value       a kubeconfig                          Cluster API (util/kubeconfig)
//   server, config (JSON), name                       Argo CD (pkg/apis/application/v1alpha1, Cluster)
//
// Whoever may write such a Secret chooses a server; they shall not thereby read files of this process, or run any file:
// a path in a kubeconfig is refused, and an exec plugin is a program that PATH knows. Pure, but for the files of the
// service account where the Secret means the hub itself. Any thread.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "sync/kube/config/resolved_context.hpp"

namespace regsync::kube {

// What is known of one cluster. Never changed: a newer Secret makes a new one.
struct KnownCluster {
  std::optional<ResolvedContext> context;  // none: problem says why
  std::optional<Error> problem;
  std::map<std::string, std::string, std::less<>> labels;  // of the Secret

  bool operator==(const KnownCluster&) const = default;
};

// "NAMESPACE/NAME" of the Secret: the name of its context.
std::string context_name_of(const nlohmann::json& secret);

// Nothing where no format says that the Secret is of a cluster: what else a selector may match (Cluster API gives all
// Secrets of a cluster the same label, its CA's keys and the kubeconfig for people among them). Where one says so and
// the data is missing or empty, that is a problem. Does not throw.
std::optional<KnownCluster> decode_cluster_secret(const nlohmann::json& secret);

}  // namespace regsync::kube
