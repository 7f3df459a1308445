// Reads the parts of an API server's Namespace that are kept. Total: nothing that a server sends makes it throw. Pure;
// any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "sync/model/desired_state.hpp"

namespace regsync {

// Nothing if the labels are not ones that an API server writes: selectors then cannot be evaluated.
std::optional<NamespaceView> view_namespace(const nlohmann::json& object);

}  // namespace regsync
