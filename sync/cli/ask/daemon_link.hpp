// The connection of a command to the running regsyncd.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "sync/cli/console.hpp"
#include "sync/control/control_client.hpp"

namespace regsync::cli {

// Null where no daemon listens.
std::unique_ptr<ControlClient> connect_if_running();
std::unique_ptr<ControlClient> connect();  // throws daemon_unreachable, with how to start it

nlohmann::json params_of(const std::optional<std::string>& target);
// For a report with groups instead of rows.
nlohmann::json summary_params_of(const std::optional<std::string>& target);

// Asks the daemon to sync, and waits up to `time` until what was asked is so, or until only a person could make it
// so. Shows on a terminal how far it is. Answers the last status; whether it is as asked: reached().
// detail: the answer has rows, else groups.
StatusReport sync_and_wait(Console& console, ControlClient& daemon, const std::optional<std::string>& target,
                           bool adopt, std::chrono::milliseconds time, bool detail = false);

}  // namespace regsync::cli
