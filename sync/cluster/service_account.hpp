// Attaching a pull secret to a ServiceAccount's imagePullSecrets, and detaching it.
//
// imagePullSecrets is an atomic list: an apply or a merge of it replaces everybody's entries. So each change is a JSON
// patch that adds or removes one entry under a test of the resourceVersion, repeated when somebody wrote in between:
// entries of others survive every race. What we attached is noted in an annotation of the ServiceAccount, beside the
// place of the ServiceAccount, and only that is ever detached: a copy of the ServiceAccount elsewhere is not ours.
#pragma once

#include <asio/awaitable.hpp>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>

#include "sync/kube/api/kube_client.hpp"

namespace regsync {

inline constexpr std::string_view attached_annotation = "regsync.dev/image-pull-secrets";  // "a,b": attached by us

struct ServiceAccountView {
  std::set<std::string> pull_secrets;
  std::set<std::string> attached;  // by us, here
  std::uint64_t version = 0;       // version_number of its resourceVersion
};

// Total: what is odd in an object from outside counts as not there.
ServiceAccountView view_service_account(const nlohmann::json& account);

// The ServiceAccount as the server would leave it after attaching the Secret, or detaching it. Pure.
nlohmann::json attached(const nlohmann::json& account, const std::string& secret);
nlohmann::json detached(const nlohmann::json& account, const std::string& secret);

// Nothing where there is none.
asio::awaitable<std::optional<ServiceAccountView>> read_service_account(kube::KubeClient& client,
                                                                        std::string name_space, std::string account);

// Both answer the ServiceAccount as the server says it is afterwards, and write only when something differs.
struct AccountAnswer {
  ServiceAccountView view;
  bool written = false;
};
// Throws not_found where there is no such ServiceAccount; rejected, with the words of whoever refused, where a policy
// of the cluster denies the change; stale after too many lost races.
asio::awaitable<AccountAnswer> attach_pull_secret(kube::KubeClient& client, std::string name_space, std::string account,
                                                  std::string secret);
// The same, but answers nothing where there is no such ServiceAccount.
asio::awaitable<std::optional<AccountAnswer>> detach_pull_secret(kube::KubeClient& client, std::string name_space,
                                                                 std::string account, std::string secret);

}  // namespace regsync
