// The paths of regsync's files (XDG Base Directory Specification 0.8), derived from the environment. Any thread.
#pragma once

#include <filesystem>

namespace regsync::paths {

std::filesystem::path home();         // $HOME; throws Error(invalid_input) if there is none
std::filesystem::path config_home();  // $XDG_CONFIG_HOME/regsync
std::filesystem::path state_home();   // $XDG_STATE_HOME/regsync
std::filesystem::path runtime_dir();  // $XDG_RUNTIME_DIR/regsync; throws Error(invalid_input) if there is none

inline std::filesystem::path targets() { return config_home() / "targets"; }
inline std::filesystem::path settings() { return config_home() / "config.yaml"; }
inline std::filesystem::path service_environment() { return config_home() / "environment"; }
inline std::filesystem::path control_socket() { return runtime_dir() / "control.sock"; }
inline std::filesystem::path owner() { return state_home() / "owner"; }
inline std::filesystem::path contexts() { return state_home() / "contexts.json"; }
inline std::filesystem::path paused_contexts() { return state_home() / "paused.json"; }
inline std::filesystem::path history() { return state_home() / "history.jsonl"; }
inline std::filesystem::path footprints() { return state_home() / "footprints"; }
inline std::filesystem::path footprints_owner() { return state_home() / "footprints-owner"; }  // the owner of those
inline std::filesystem::path last_good_settings() { return state_home() / "config.yaml"; }
inline std::filesystem::path login_places() { return state_home() / "logins.json"; }
inline std::filesystem::path denied_logins() { return state_home() / "denied-logins.json"; }
inline std::filesystem::path lock() { return state_home() / "lock"; }

}  // namespace regsync::paths
