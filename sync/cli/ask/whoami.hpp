// Asks the API server which user the credentials of a context belong to. One io_context thread.
#pragma once

#include <asio/awaitable.hpp>
#include <string>

#include "sync/kube/api/kube_client.hpp"

namespace regsync::cli {

// Returns the user name from a SelfSubjectReview (Kubernetes 1.28 and newer; 1.26 and 1.27 have its betas), or from the
// credentials themselves: the impersonated user, the common name of a client certificate, the subject of a service
// account's token. Returns "" if none of these names a user. Throws Error(unauthorized) if the API server sees no
// credentials.
asio::awaitable<std::string> user_name_of(kube::KubeClient& client);

}  // namespace regsync::cli
