// Has regsyncd sync a target that a command has just written, waits if requested, and prints the result. Blocks; one
// thread.
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

// With a daemon: syncs the target and waits for the result. Without one: prints what was declared and leaves the sync
// to a later daemon, which reads the folder. Returns the exit code.
int hand_over(const Target& target, DeclareResult result, ControlClient* daemon, const HandOver& how, Console& console);

}  // namespace regsync::cli
