// Connects a command to the running regsyncd, and waits for a sync there. Blocks; one thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sync/cli/view/console.hpp"
#include "sync/control/control_client.hpp"

namespace regsync::cli {

// Null where no daemon of this user listens.
std::unique_ptr<ControlClient> connect_if_running();
// Throws daemon_unreachable, with how to start it; not_owned where another user's listens.
std::unique_ptr<ControlClient> connect();

StatusReport ask_status(ControlClient& daemon, const StatusQuery& query, std::chrono::seconds timeout);
// The summary of everything.
StatusReport ask_summary(ControlClient& daemon, std::chrono::seconds timeout);

// Asks the daemon to sync these targets, or all, and waits up to `time` until what was asked is so, or until only a
// person could make it so. Shows on a terminal how far it is. Answers the last status; whether it is as asked:
// reached(). detail: the answer has rows, else groups.
StatusReport sync_and_wait(Console& console, ControlClient& daemon, const std::vector<std::string>& targets, bool adopt,
                           std::chrono::milliseconds time, bool detail = false);

}  // namespace regsync::cli
