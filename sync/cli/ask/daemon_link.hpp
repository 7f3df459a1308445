// Connects a command to the running regsyncd, and waits for a sync there. Blocks; one thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sync/cli/view/console.hpp"
#include "sync/control/control_client.hpp"

namespace regsync::cli {

// Returns null if no daemon of this user listens.
std::unique_ptr<ControlClient> connect_if_running();
// Throws daemon_unreachable, with how to start it, or not_owned if another user's daemon listens.
std::unique_ptr<ControlClient> connect();

StatusReport ask_status(ControlClient& daemon, const StatusQuery& query, std::chrono::seconds timeout);
// Returns the summary of all targets.
StatusReport ask_summary(ControlClient& daemon, std::chrono::seconds timeout);

// Asks the daemon to sync these targets, or all, and waits up to `time` until they are in sync, or until only a person
// can help. Shows the progress on a terminal. Returns the last status; reached() says whether it is in sync. detail:
// the status has rows, otherwise groups.
StatusReport sync_and_wait(Console& console, ControlClient& daemon, const std::vector<std::string>& targets, bool adopt,
                           std::chrono::milliseconds time, bool detail = false);

}  // namespace regsync::cli
