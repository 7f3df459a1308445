// Syncs a target that a command has just written through regsyncd, waits if asked, and prints the result.
// Blocks; one thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sync/cli/ask/declaration.hpp"
#include "sync/cli/view/console.hpp"
#include "sync/cli/view/output.hpp"
#include "sync/control/control_client.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

inline constexpr const char* default_wait = "30s";

struct HandOver {
  std::string wait;  // a duration; empty: the default
  bool adopt = false;
  std::optional<std::filesystem::path> kubeconfig;
  Format format = Format::table;
};

// With a daemon: syncs the target and waits for the result. Without: says what was declared, and leaves the rest to the
// daemon, which watches the folder. Answers the exit code.
int hand_over(const Target& target, DeclareResult result, ControlClient* daemon, const HandOver& how, Console& console);

}  // namespace regsync::cli
