// Attaches a pull secret to a ServiceAccount's imagePullSecrets, and detaches it.
//
// imagePullSecrets is an atomic list: an apply or merge replaces all entries, whoever wrote them. So each change is a
// JSON patch that adds or removes one entry guarded by a test of the resourceVersion, repeated after a concurrent
// write: entries of others survive every race. An annotation of the ServiceAccount records what regsync attached, with
// the owner, next to the place of the ServiceAccount. Only that is ever detached: a copy of the ServiceAccount
// elsewhere is not ours.
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

// "a=ID,b=ID": the Secrets that regsync attached, each with its owner's id. Earlier versions wrote "a,b"; to them
// "a=ID" is not the name of a Secret, so they keep it and detach nothing for it.
inline constexpr std::string_view attached_annotation = "regsync.dev/image-pull-secrets";

struct ServiceAccountView {
  std::set<std::string> pull_secrets;
  std::map<std::string, std::string> attached;  // by a regsync, here: its owner's id, or "" if none is recorded
  std::uint64_t version = 0;                    // version_number of its resourceVersion
  std::string uid = {};

  // Whether a regsync attached the Secret, possibly this owner; an empty owner_id means any owner.
  [[nodiscard]] bool is_attached(const std::string& secret, std::string_view owner_id) const;
};

// Total: malformed parts of the object count as absent, and so do all entries if there are more than a thousand.
ServiceAccountView view_service_account(const nlohmann::json& account);

// The ServiceAccount after attaching the Secret, or after detaching it if is_attached() for this owner_id, as the
// server would store it. Pure.
nlohmann::json attached(const nlohmann::json& account, const std::string& secret, const std::string& owner_id);
nlohmann::json detached(const nlohmann::json& account, const std::string& secret, const std::string& owner_id);

// Nothing if there is none.
asio::awaitable<std::optional<ServiceAccountView>> read_service_account(kube::KubeClient& client,
                                                                        std::string name_space, std::string account);

// The result of the two functions below: the ServiceAccount as the server has it afterwards. They write only a change.
struct AccountAnswer {
  ServiceAccountView view;
  bool written = false;
};
// Throws not_found if there is no such ServiceAccount; rejected if it has more than a thousand entries or a policy of
// the cluster denies the change (with the policy's message); stale after too many lost races.
asio::awaitable<AccountAnswer> attach_pull_secret(kube::KubeClient& client, std::string name_space, std::string account,
                                                  std::string secret, std::string owner_id);
// The same, but returns nothing if there is no such ServiceAccount. owner_id: as in detached().
asio::awaitable<std::optional<AccountAnswer>> detach_pull_secret(kube::KubeClient& client, std::string name_space,
                                                                 std::string account, std::string secret,
                                                                 std::string owner_id);

}  // namespace regsync
