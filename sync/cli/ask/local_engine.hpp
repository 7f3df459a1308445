// The engine in this process, for commands that work without regsyncd: reads everything once, does one thing, ends.
// Blocks; one thread.
#pragma once

#include <asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sync/cli/view/console.hpp"
#include "sync/engine/engine.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

// Feeds an Engine with the targets, the kubeconfig and the logins as they are now, runs `work` on it to its end, and
// answers what it says then of the targets for which it acts. `acting` are these (none: all): for the others nothing is
// written or deleted, because nobody asked for it; they only claim their places. Takes the lock of regsyncd: throws
// already_exists, saying who runs, if it cannot have it. `owner` is --owner, `logins` --logins. Never prompts: cron and
// CI have nobody to ask. What is not done after `time` is cancelled; the report then shows how far it came.
StatusReport run_engine(Console& console, const std::optional<std::filesystem::path>& kubeconfig,
                        std::string_view program, const std::function<asio::awaitable<void>(Engine&)>& work,
                        const std::optional<std::set<std::string>>& acting, std::chrono::milliseconds time,
                        const std::string& owner = {}, const std::vector<std::filesystem::path>& logins = {});

}  // namespace regsync::cli
