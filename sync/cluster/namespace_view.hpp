// A namespace of an API server as it is kept. Total: nothing that a server sends throws. Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "sync/model/desired_state.hpp"

namespace regsync {

// Nothing where the labels are not what the API server writes: what a selector says of them then is not known.
std::optional<NamespaceView> view_namespace(const nlohmann::json& object);

}  // namespace regsync
