// Attaching a pull secret to a ServiceAccount's imagePullSecrets, and detaching it.
//
// imagePullSecrets is an atomic list: an apply or a merge of it replaces everybody's entries. So each change is a JSON
// patch that adds or removes one entry under a test of the resourceVersion, repeated when somebody wrote in between:
// entries of others survive every race. What we attached is noted in an annotation of the ServiceAccount, and only
// that is ever detached.
#pragma once

#include <asio/awaitable.hpp>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

#include "sync/kube/api/kube_client.hpp"

namespace regsync {

inline constexpr std::string_view attached_annotation = "regsync.dev/image-pull-secrets";  // "a,b": attached by us

struct ServiceAccountView {
  std::set<std::string> pull_secrets;
  std::set<std::string> attached;  // those of the annotation
  std::uint64_t version = 0;       // version_number of its resourceVersion
};

ServiceAccountView view_service_account(const nlohmann::json& account);

// Both answer the account as it is afterwards, and write only when something differs. attach throws not_found where
// there is no such account; detach takes that as done. Throw stale after too many lost races.
asio::awaitable<ServiceAccountView> attach_pull_secret(kube::KubeClient& client, std::string name_space,
                                                       std::string account, std::string secret);
asio::awaitable<ServiceAccountView> detach_pull_secret(kube::KubeClient& client, std::string name_space,
                                                       std::string account, std::string secret);

}  // namespace regsync
