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

// The same object before and after a change: secret values are "***", those that differ "*** (before)" and
// "*** (after)", as kubectl diff masks them. What the API server adds (uid, managedFields, …) is left out. Either may
// be null: there is none.
std::pair<nlohmann::json, nlohmann::json> mask(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace regsync::cli
