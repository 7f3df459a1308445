// Asks the API server which user the credentials of a context belong to. One io_context thread.
#pragma once

#include <asio/awaitable.hpp>
#include <string>

#include "sync/kube/api/kube_client.hpp"

namespace regsync::cli {

// By SelfSubjectReview (Kubernetes 1.28 and newer; 1.26 and 1.27 have its betas), else by what the credentials
// themselves say: the impersonated user, the common name of a client certificate, the subject of a service account's
// token. "" where none of these tells. Throws Error(unauthorized) where the API server sees no credentials.
asio::awaitable<std::string> user_name_of(kube::KubeClient& client);

}  // namespace regsync::cli
