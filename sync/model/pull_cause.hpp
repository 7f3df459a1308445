// Finds why a container's image cannot be pulled, from what the pod names under kubelet's rules and from the registry's
// answers to the logins that kubelet would try.
//
// look_up() first determines which logins kubelet offers. The caller tries those at the registry, or an anonymous pull
// if there is none, and conclude() names the cause. Pure; the values contain secrets.
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
  no_pull_secret,        // neither the pod nor its ServiceAccount names one
  older_than_account,    // the ServiceAccount names one now, but existing pods do not gain it
  secret_missing,        // the pod names a Secret that does not exist
  secret_unreadable,     // the caller may not read it
  secret_wrong_type,     // kubelet ignores it
  secret_malformed,      // kubelet then uses no Secret of the pod at all
  no_matching_entry,     // no entry of its Secrets is for this image
  login_denied,          // the registry refuses the login
  image_denied,          // the registry accepts the login, which may not pull this image
  no_such_image,         // no such repository or tag
  registry_unreachable,  // as seen from regsync; the node's network may differ
  never_pulled,          // imagePullPolicy: Never
  invalid_image,         // the pod's image name is invalid
  pullable,              // it can be pulled from here: the node will retry, or its view differs
  other,                 // the node reports something else
};

std::string_view to_string(PullCause cause);  // "NoPullSecret"

// A Secret that a pod or a ServiceAccount names, as kubelet receives it.
struct PullSecret {
  enum class State { present, missing, unreadable };

  std::string name;
  State state = State::missing;
  std::string type;
  std::string content;  // decoded value of the type's key; secret
};
PullSecret read_pull_secret(std::string name, const nlohmann::json& object);

// Whether kubelet reads Secrets of this type.
bool is_pull_secret(const PullSecret& secret);
// The entries of such a Secret, which must be present, by the format of its type. Throws Error(unusable_login) if it is
// malformed.
std::vector<KubeletEntry> entries_of(const PullSecret& secret);

// What kubelet finds for one image in the Secrets of one pod.
struct PullLookup {
  std::vector<KubeletEntry> entries;         // all entries of all Secrets
  std::vector<const KubeletEntry*> offered;  // those that kubelet tries, in its order; empty: it pulls anonymously
  std::vector<std::string> missing;          // Secrets by name
  std::vector<std::string> unreadable;
  std::vector<std::string> wrong_type;  // "regcred (Opaque)"
  std::string malformed;                // the malformed Secret; empty if all can be read
  std::string malformed_why;
};
PullLookup look_up(const std::vector<PullSecret>& secrets, const Image& image);

// The registry's answer to one login, or to none.
struct PullTrial {
  bool login_good = false;  // it accepts the login itself
  PullAnswer answer;        // its answer to the pull
};

struct PullFinding {
  PullCause cause = PullCause::other;
  std::string message;                   // what is wrong, for display; no secret
  std::string secret;                    // the Secret concerned; may be empty
  std::vector<std::string> other_hosts;  // for no_matching_entry: other registries that the Secrets have entries for
};

// The cause if it is known without asking a registry: an invalid image, a forbidden pull, a malformed Secret. Nothing
// if the registry must be asked.
std::optional<PullFinding> conclude_early(const PullFailure& failure, const PullLookup& lookup);

// trials: one for each offered login, or the anonymous one. account_secrets: if the pod names no Secrets itself, those
// that its ServiceAccount names now.
PullFinding conclude(const Pod& pod, const PullFailure& failure, const Image& image, const PullLookup& lookup,
                     const std::vector<PullSecret>& account_secrets, const std::vector<PullTrial>& trials);

}  // namespace regsync
