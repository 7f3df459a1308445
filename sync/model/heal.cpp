#include "sync/model/heal.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/base/base64.hpp"
#include "sync/model/image.hpp"
#include "sync/model/kubelet_keyring.hpp"

namespace regsync {
namespace {

bool names(const Pod& pod, const Repair& repair) {
  return repair.service_account.empty() ? std::ranges::find(pod.pull_secrets, repair.secret) != pod.pull_secrets.end()
                                        : pod.pull_secrets.empty() && pod.service_account == repair.service_account;
}

bool has_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

// Whether the node's message shows that a login would not help: the registry has no such manifest (CRI-O, cri-dockerd),
// or is unreachable. A bare "not found" does not count, since containerd reports every 404 so, and some registries
// answer 404 to a client that may not see a repository. If the message also mentions access, the login may be the
// reason.
bool needs_more_than_a_login(const PullFailure& failure) {
  const std::string said = to_lower(failure.message);
  if (has_one_of(said, {"denied", "authoriz", "authentica", "forbidden", "credential", "docker login"})) {
    return false;
  }
  const bool no_manifest = has_one_of(said, {"manifest unknown"}) ||
                           (has_one_of(said, {"manifest for "}) && has_one_of(said, {" not found"}));
  return no_manifest || has_one_of(said, {"no such host", "connection refused", "i/o timeout", "no route to host",
                                          "network is unreachable"});
}

bool serves(const std::vector<KubeletEntry>& entries, const PullFailure& failure) {
  const bool waits = failure.reason == "ErrImagePull" || failure.reason == "ImagePullBackOff";
  if (!waits || needs_more_than_a_login(failure)) {
    return false;
  }
  try {
    return !entries_for(entries, parse_image(failure.image).name()).empty();
  } catch (const Error&) {  // the pod's image name is invalid
    return false;
  }
}

}  // namespace

bool is_cured_by(const Pod& pod, const Repair& repair, const Payload& payload) {
  if (!pod.made_anew || pod.is_static || pod.started || pod.terminating || pod.failures.empty() ||
      !names(pod, repair)) {
    return false;
  }
  const std::vector<KubeletEntry> entries = read_for_kubelet(base64_decode(payload.base64()).value_or(""));
  return std::ranges::all_of(pod.failures, [&](const PullFailure& failure) { return serves(entries, failure); });
}

}  // namespace regsync
