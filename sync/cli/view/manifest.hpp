// Formats a Secret for people: decoded, with secret values masked. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "sync/model/desired_state.hpp"

namespace regsync::cli {

// Returns the Secret of a plan as a manifest to apply. It contains the payload, which is secret.
nlohmann::json make_manifest(const Plan& plan, const std::string& owner, std::string_view payload_base64);

// Whether an annotation of another tool holds an old payload: `kubectl apply` stores there what it applied last, and an
// adopted Secret keeps the annotation.
bool carries_old_copy(const nlohmann::json& secret);

// Masks an object before and after a change: secret values become "***", or "*** (before)" and "*** (after)" if they
// differ, as in kubectl diff. Only what regsync owns is shown: neither what the API server adds (uid, managedFields, …)
// nor labels and annotations of others, which may hold secrets. Either may be null (no object).
std::pair<nlohmann::json, nlohmann::json> mask(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace regsync::cli
