// Carries out a command about contexts: through the daemon if it runs, otherwise by an engine in this process. Blocks;
// one thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "sync/cli/view/console.hpp"
#include "sync/engine/engine.hpp"

namespace regsync::cli {

// The timeout for the daemon's answer.
inline constexpr std::chrono::seconds context_call_time{10};

// method and params: see sync/control/requests.hpp. here: the same work on the engine. Throws Error.
void call_for_context(std::string_view method, const nlohmann::json& params,
                      const std::optional<std::filesystem::path>& kubeconfig, Console& console,
                      const std::function<void(Engine&)>& here);

}  // namespace regsync::cli
