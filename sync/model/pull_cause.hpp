// Finds why a container's image cannot be pulled: by kubelet's own rules on what the pod names, and by what the
// registry says to the logins that kubelet would try.
//
// First look_up(): which logins kubelet offers. Whoever asks tries those at the registry, or the pull without a login
// where there is none, and conclude() names the cause. Pure; what is in it is secret.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/model/image.hpp"
#include "sync/model/kubelet_keyring.hpp"
#include "sync/model/pod.hpp"
#include "sync/model/pull_answer.hpp"

namespace regsync {

enum class PullCause : std::uint8_t {
  no_pull_secret,        // the pod names none, and so does its ServiceAccount
  older_than_account,    // the pod names none; its ServiceAccount names one now, and no pod gains it later
  secret_missing,        // the pod names a Secret that is not there
  secret_unreadable,     // whoever asks may not read it
  secret_wrong_type,     // kubelet ignores it
  secret_malformed,      // kubelet then uses no Secret of the pod at all
  no_matching_entry,     // no entry of its Secrets is for this image
  login_denied,          // the registry refuses the login
  image_denied,          // the registry takes the login, which may not pull this image
  no_such_image,         // no such repository or tag
  registry_unreachable,  // from where regsync runs; the node's network may differ
  never_pulled,          // imagePullPolicy: Never
  invalid_image,         // what the pod names is no image
  pullable,              // from here it can be pulled: the node tries again, or sees something else
  other,                 // the node says something else
};

std::string_view to_string(PullCause cause);  // "NoPullSecret"

// A Secret that a pod or a ServiceAccount names, as kubelet gets it.
struct PullSecret {
  enum class State { present, missing, unreadable };

  std::string name;
  State state = State::missing;
  std::string type;
  std::string content;  // of the key that the type has, decoded; secret
};
PullSecret read_pull_secret(std::string name, const nlohmann::json& object);

// Whether kubelet looks into a Secret of this type at all.
bool is_pull_secret(const PullSecret& secret);
// The entries of such a Secret that is present, by the format of its type. Throws Error(unusable_login) where it is
// malformed.
std::vector<KubeletEntry> entries_of(const PullSecret& secret);

// What kubelet finds for one image in the Secrets of one pod.
struct PullLookup {
  std::vector<KubeletEntry> entries;         // all, of all Secrets
  std::vector<const KubeletEntry*> offered;  // those that it tries, in its order; none: it pulls without a login
  std::vector<std::string> missing;          // Secrets by name
  std::vector<std::string> unreadable;
  std::vector<std::string> wrong_type;  // "regcred (Opaque)"
  std::string malformed;                // the Secret; empty if all can be read
  std::string malformed_why;
};
PullLookup look_up(const std::vector<PullSecret>& secrets, const Image& image);

// What the registry says to one login, or to none.
struct PullTrial {
  bool login_good = false;  // it takes the login as such
  PullAnswer answer;        // to the pull
};

struct PullFinding {
  PullCause cause = PullCause::other;
  std::string message;                   // what is wrong, for people; no secret
  std::string secret;                    // the Secret concerned; may be empty
  std::vector<std::string> other_hosts;  // of no_matching_entry: other registries that the Secrets have entries for
};

// What shows without any registry: an image that is none, a pull that is forbidden, a malformed Secret. Nothing
// where the registry must be asked.
std::optional<PullFinding> conclude_early(const PullFailure& failure, const PullLookup& lookup);

// trials: one for each offered login, or the one without a login. account_secrets: those that the ServiceAccount of a
// pod names now which names none itself.
PullFinding conclude(const Pod& pod, const PullFailure& failure, const Image& image, const PullLookup& lookup,
                     const std::vector<PullSecret>& account_secrets, const std::vector<PullTrial>& trials);

}  // namespace regsync
