// A Secret as regsync sees it: what must be known to decide, and the body of an apply. Pure; any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "sync/base/digest.hpp"
#include "sync/model/docker_config_json.hpp"

namespace regsync {

inline constexpr std::string_view managed_by_label = "app.kubernetes.io/managed-by";
inline constexpr std::string_view managed_by_value = "regsync";
inline constexpr std::string_view target_annotation = "regsync.dev/target";
inline constexpr std::string_view owner_annotation = "regsync.dev/owner";  // "ID user@host"; only ID is compared
// "NAMESPACE/NAME", where the object was written: a copy that somebody makes elsewhere is not ours.
inline constexpr std::string_view place_annotation = "regsync.dev/place";
inline constexpr std::string_view pull_secret_type = "kubernetes.io/dockerconfigjson";

// Who keeps the Secret, as its label and annotations say.
enum class Ownership : std::uint8_t {
  ours,         // label, owner, target and place
  unplaced,     // label, owner and target, but no place: written before regsync.dev/place, or a copy of such a Secret
  copy,         // its place is another one: somebody copied it
  relabelled,   // owner, target and place are ours, but not the label: somebody, or a policy, gave it another one
  other_owner,  // another regsync
  unmanaged,
};

// A Secret in a cluster, without its data. Neither its name nor, as a rule, its version is in it, so that the Secrets
// of one target look alike: an engine holds one view for all of them.
struct SecretView {
  std::string target;  // of the target annotation
  // ours, other_owner: the user@host who wrote it last. copy: the place that it names. relabelled: its label. Else the
  // field manager of its data.
  std::string holder;
  std::string uid;          // only where it is not ours: it says which object a person took over, if one does
  std::string odd_version;  // its resourceVersion, only where that is no number (version_number)
  Digest digest{};          // of the base64 text of .dockerconfigjson
  Ownership ownership = Ownership::unmanaged;
  bool labelled = false;  // has our label, whoever's it is: a watch by label shows it
  bool right_type = false;
  bool immutable = false;
  bool terminating = false;     // it was deleted, and finalizers hold it back
  std::string finalizers = {};  // then: their names, for people

  auto operator<=>(const SecretView&) const = default;
};

// Whether regsync wrote the data, and nothing says any more for whom: somebody gave it away, or took the marks off.
bool is_unmarked(const SecretView& secret);

// Whether this user on this machine (user@host) made it under another owner id.
inline bool is_lost(const SecretView& secret, std::string_view holder) {
  return secret.ownership == Ownership::other_owner && secret.holder == holder;
}

// Which Secrets that are not regsync's a sync takes over for the targets that claim them.
enum class Adoption {
  none,
  lost,  // those that this user made on this machine under another owner id
  all,
};

bool is_adopted(Adoption adoption, const SecretView& secret, std::string_view holder);

SecretView view_secret(const nlohmann::json& secret, std::string_view owner_id);

struct ReadSecret {
  SecretView view;
  std::uint64_t version = 0;  // version_number of its resourceVersion
};
// The same from the text of an answer, without a tree of it: a bulk reads thousands. Throws Error(protocol) where the
// text is no JSON object.
ReadSecret read_secret(std::string_view text, std::string_view owner_id);

// As the server wrote it; empty where there is none.
std::string resource_version_of(const nlohmann::json& secret);

struct ApplyBody {
  std::string_view name_space;
  std::string_view name;
  std::string_view target;
  std::string_view owner;  // the whole annotation
  std::string_view payload_base64;
  std::string_view resource_version;  // the version that the decision was made on; see create_only
};

// An apply with a resourceVersion that no object has creates a missing Secret and is refused (409, stale) on an
// existing one, whoever made it: create-only, without a POST, which RBAC cannot limit by name.
inline constexpr std::string_view create_only = "1";

std::string make_apply_body(const ApplyBody& body);

// RFC 6902: takes what makes a Secret ours from it, if it is still of this version. placed: it has a place annotation.
std::string make_release_patch(std::string_view resource_version, bool placed);

// The value of place_annotation.
std::string place_of(std::string_view name_space, std::string_view name);
// Whether an object's place annotation, which is not empty, names the place where the object is.
bool is_in_its_place(std::string_view place, std::string_view name_space, std::string_view name);

}  // namespace regsync
