// A Secret as people may see it: decoded, with every value that is secret masked. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "sync/model/desired_state.hpp"

namespace regsync::cli {

// The Secret that a plan makes, as one would apply it by hand. The payload is secret.
nlohmann::json make_manifest(const Plan& plan, const std::string& owner, std::string_view payload_base64);

// Whether somebody else's annotation holds an old payload: `kubectl apply` keeps there what it applied last, and an
// adopted Secret keeps the annotation.
bool carries_old_copy(const nlohmann::json& secret);

// The same object before and after a change: secret values are "***", those that differ "*** (before)" and
// "*** (after)", as kubectl diff masks them. Only what regsync owns is shown: neither what the API server adds (uid,
// managedFields, …) nor labels and annotations of others, which may hold secrets. Either may be null: there is none.
std::pair<nlohmann::json, nlohmann::json> mask(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace regsync::cli
