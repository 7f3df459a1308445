// Attaches a pull secret to a ServiceAccount's imagePullSecrets, and detaches it.
//
// imagePullSecrets is an atomic list: an apply or a merge of it replaces everybody's entries. So each change is a JSON
// patch that adds or removes one entry under a test of the resourceVersion, repeated when somebody wrote in between:
// entries of others survive every race. What regsync attached is noted in an annotation of the ServiceAccount, with the
// owner, beside the place of the ServiceAccount, and only that is ever detached: a copy of the ServiceAccount elsewhere
// is not ours.
#pragma once

#include <asio/awaitable.hpp>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "sync/kube/api/kube_client.hpp"

namespace regsync {

// "a=ID,b=ID": what regsync attached, and which owner's. Versions before that wrote "a,b"; to them "a=ID" is no name of
// a Secret, so that they keep it and detach nothing for it.
inline constexpr std::string_view attached_annotation = "regsync.dev/image-pull-secrets";

struct ServiceAccountView {
  std::set<std::string> pull_secrets;
  std::map<std::string, std::string> attached;  // here, by a regsync: its owner's id, or "" where none is noted
  std::uint64_t version = 0;                    // version_number of its resourceVersion
  std::string uid = {};

  // Whether a regsync attached the Secret, and may have been this owner's; owner_id empty: whoever's.
  [[nodiscard]] bool is_attached(const std::string& secret, std::string_view owner_id) const;
};

// Total: what is odd in an object from outside counts as not there, and so do all entries where there are more than a
// thousand.
ServiceAccountView view_service_account(const nlohmann::json& account);

// The ServiceAccount as the server would leave it after attaching the Secret, or detaching it where is_attached() of
// this owner_id. Pure.
nlohmann::json attached(const nlohmann::json& account, const std::string& secret, const std::string& owner_id);
nlohmann::json detached(const nlohmann::json& account, const std::string& secret, const std::string& owner_id);

// Nothing where there is none.
asio::awaitable<std::optional<ServiceAccountView>> read_service_account(kube::KubeClient& client,
                                                                        std::string name_space, std::string account);

// Both answer the ServiceAccount as the server says it is afterwards, and write only when something differs.
struct AccountAnswer {
  ServiceAccountView view;
  bool written = false;
};
// Throws not_found where there is no such ServiceAccount; rejected where it has more than a thousand entries, and, with
// the words of whoever refused, where a policy of the cluster denies the change; stale after too many lost races.
asio::awaitable<AccountAnswer> attach_pull_secret(kube::KubeClient& client, std::string name_space, std::string account,
                                                  std::string secret, std::string owner_id);
// The same, but answers nothing where there is no such ServiceAccount. owner_id: as in detached().
asio::awaitable<std::optional<AccountAnswer>> detach_pull_secret(kube::KubeClient& client, std::string name_space,
                                                                 std::string account, std::string secret,
                                                                 std::string owner_id);

}  // namespace regsync
