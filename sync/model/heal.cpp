#include "sync/model/heal.hpp"

#include <algorithm>

#include "helper/base/error.hpp"
#include "sync/base/base64.hpp"
#include "sync/model/image.hpp"
#include "sync/model/kubelet_keyring.hpp"

namespace regsync {
namespace {

bool names(const Pod& pod, const Repair& repair) {
  return repair.service_account.empty() ? std::ranges::find(pod.pull_secrets, repair.secret) != pod.pull_secrets.end()
                                        : pod.pull_secrets.empty() && pod.service_account == repair.service_account;
}

// Something makes the pod anew. A Job does, but counts each pod that is deleted as a failure (job_controller.go,
// isPodFailed), and may end for it.
bool is_made_anew(const Pod& pod) {
  return !pod.controller.empty() && !pod.controller.starts_with("Job/") && !pod.is_static;
}

bool serves(const std::vector<KubeletEntry>& entries, const PullFailure& failure) {
  if (failure.reason != "ErrImagePull" && failure.reason != "ImagePullBackOff") {
    return false;
  }
  try {
    return !entries_for(entries, parse_image(failure.image).name()).empty();
  } catch (const Error&) {  // what the pod names is no image
    return false;
  }
}

}  // namespace

bool is_cured_by(const Pod& pod, const Repair& repair, const Payload& payload) {
  if (!is_made_anew(pod) || pod.started || pod.terminating || pod.failures.empty() || !names(pod, repair)) {
    return false;
  }
  const std::vector<KubeletEntry> entries = read_for_kubelet(base64_decode(payload.base64()).value_or(""));
  return std::ranges::all_of(pod.failures, [&](const PullFailure& failure) { return serves(entries, failure); });
}

}  // namespace regsync
