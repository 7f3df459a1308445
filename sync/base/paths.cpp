#include "sync/base/paths.hpp"

#include <cstdlib>
#include <optional>

#include "helper/base/error.hpp"

namespace regsync::paths {
namespace {

namespace fs = std::filesystem;

// The specification: "All paths set in these environment variables must be absolute"; relative ones are ignored.
std::optional<fs::path> absolute_from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value != '/') {
    return std::nullopt;
  }
  return fs::path(value);
}

}  // namespace

fs::path home() {
  if (auto path = absolute_from_environment("HOME")) {
    return *path;
  }
  throw Error(ErrorCode::invalid_input, "HOME is not set", "set HOME to your home folder");
}

fs::path config_home() {
  if (auto path = absolute_from_environment("XDG_CONFIG_HOME")) {
    return *path / "regsync";
  }
  return home() / ".config/regsync";
}

fs::path state_home() {
  if (auto path = absolute_from_environment("XDG_STATE_HOME")) {
    return *path / "regsync";
  }
  return home() / ".local/state/regsync";
}

fs::path runtime_dir() {
  if (auto path = absolute_from_environment("XDG_RUNTIME_DIR")) {
    return *path / "regsync";
  }
  throw Error(ErrorCode::invalid_input, "XDG_RUNTIME_DIR is not set: this shell is not in a login session",
              "log in (ssh, console or desktop; `su` is no login), or set XDG_RUNTIME_DIR=/run/user/$(id -u)");
}

}  // namespace regsync::paths
