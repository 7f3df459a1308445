// The files of the state folder that a process needs before it writes to clusters. Without any of them it would take
// its own Secrets for somebody else's, or forget what it has to delete.
//
// Owned by the Daemon. Synchronous file I/O.
#pragma once

#include <string>

#include "sync/base/instance_lock.hpp"
#include "sync/base/paths.hpp"
#include "sync/config/settings.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/engine/owner_file.hpp"

namespace regsync {

// Returns this process's owner. Throws Error(invalid_input) as this_owner() does, and if no owner is known and the
// settings, which may name one, cannot be read: a new owner could differ from theirs.
inline Owner owner_by(const SettingsInForce& settings, const std::string& option) {
  if (settings.by_default && known_owner(settings.settings, option).id.empty()) {
    throw Error(*settings.problem);
  }
  return this_owner(settings.settings, option);
}

struct StateFolder {
  // Throws Error: already_exists if another process already keeps the clusters in sync, invalid_input if one of the
  // files is unusable.
  explicit StateFolder(const std::string& owner_option)
      : lock(paths::lock(), "regsyncd"),
        settings(load_settings_or_last_good(paths::settings(), paths::last_good_settings())),
        owner(owner_by(settings, owner_option)),
        footprints(footprints_folder(owner)) {}

  InstanceLock lock;
  SettingsInForce settings;
  Owner owner;
  FootprintStore footprints;
};

}  // namespace regsync
