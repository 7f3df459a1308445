// A Secret as regsync sees it: the facts needed to decide, and the body of an apply. Pure; any thread.
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
// "NAMESPACE/NAME" where the object was written: a copy that somebody makes elsewhere is not ours.
inline constexpr std::string_view place_annotation = "regsync.dev/place";
inline constexpr std::string_view pull_secret_type = "kubernetes.io/dockerconfigjson";

// Who manages the Secret, according to its label and annotations.
enum class Ownership : std::uint8_t {
  ours,         // label, owner, target and place
  unplaced,     // label, owner and target, but no place: written before regsync.dev/place, or a copy of such a Secret
  copy,         // its place differs: somebody copied it
  relabelled,   // owner, target and place are ours, but somebody, or a policy, changed the label
  other_owner,  // another regsync
  unmanaged,
};

// A Secret in a cluster, without its data. Excludes its name and, normally, its version, so that the Secrets of one
// target are equal: an engine holds one view for all of them.
struct SecretView {
  std::string target;  // from the target annotation
  // For ours and other_owner: the user@host who last wrote it. For copy: the place that it names. For relabelled: its
  // label. Otherwise the field manager of its data.
  std::string holder;
  std::string uid;          // only if it is not ours: identifies the object that a user may take over
  std::string odd_version;  // its resourceVersion, only if that is not a number (version_number)
  Digest digest{};          // of the base64 text of .dockerconfigjson
  Ownership ownership = Ownership::unmanaged;
  bool labelled = false;  // has our label, whoever owns it: a watch by label shows it
  bool right_type = false;
  bool immutable = false;
  bool terminating = false;     // it was deleted, and finalizers delay the deletion
  std::string finalizers = {};  // in that case, their names, for display

  auto operator<=>(const SecretView&) const = default;
};

// Whether regsync wrote the data, but no mark says for whom: somebody released it, or removed the marks.
bool is_unmarked(const SecretView& secret);

// Whether this user on this machine (user@host) created it under another owner id.
inline bool is_lost(const SecretView& secret, std::string_view holder) {
  return secret.ownership == Ownership::other_owner && secret.holder == holder;
}

// Which Secrets of others a sync takes over for the targets that claim them.
enum class Adoption {
  none,
  lost,  // those that this user created on this machine under another owner id
  all,
};

bool is_adopted(Adoption adoption, const SecretView& secret, std::string_view holder);

SecretView view_secret(const nlohmann::json& secret, std::string_view owner_id);

struct ReadSecret {
  SecretView view;
  std::uint64_t version = 0;  // version_number of its resourceVersion
};
// The same from the text of an answer, without building a tree: a bulk reads thousands. Throws Error(protocol) if the
// text is not a JSON object.
ReadSecret read_secret(std::string_view text, std::string_view owner_id);

// The resourceVersion as the server wrote it; empty if there is none.
std::string resource_version_of(const nlohmann::json& secret);

struct ApplyBody {
  std::string_view name_space;
  std::string_view name;
  std::string_view target;
  std::string_view owner;  // the whole annotation
  std::string_view payload_base64;
  std::string_view resource_version;  // the version that the decision is based on; see create_only
};

// An apply with a resourceVersion that no object has creates a missing Secret and is refused (409, stale) for an
// existing one, whoever made it: a create-only write without a POST, which RBAC cannot limit by name.
inline constexpr std::string_view create_only = "1";

std::string make_apply_body(const ApplyBody& body);

// A JSON Patch (RFC 6902) that removes our marks from a Secret, if it still has this version. placed: it has a place
// annotation.
std::string make_release_patch(std::string_view resource_version, bool placed);

// The value of place_annotation.
std::string place_of(std::string_view name_space, std::string_view name);
// Whether an object's place annotation, which is not empty, names the object's actual place.
bool is_in_its_place(std::string_view place, std::string_view name_space, std::string_view name);

}  // namespace regsync
