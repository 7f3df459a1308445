// The engine in this process, for commands that work without regsyncd: reads all inputs once, does one thing and ends.
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

// Runs `work` on an Engine with the present targets, kubeconfig and logins, and returns the engine's final status of
// the acting targets. `acting`: only for these targets (nullopt: all) is anything written or deleted; the others only
// claim their places, because nobody asked to sync them. Takes the lock of regsyncd; throws already_exists, naming the
// process that holds it. `owner` is --owner, `logins` --logins. Never prompts, since cron and CI have nobody to answer.
// Cancels what is not done after `time`; the report then shows the progress.
StatusReport run_engine(Console& console, const std::optional<std::filesystem::path>& kubeconfig,
                        std::string_view program, const std::function<asio::awaitable<void>(Engine&)>& work,
                        const std::optional<std::set<std::string>>& acting, std::chrono::milliseconds time,
                        const std::string& owner = {}, const std::vector<std::filesystem::path>& logins = {});

}  // namespace regsync::cli
