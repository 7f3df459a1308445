// The owner of the Secrets that this installation writes: a name given by the user, or an id in the state folder.
// Synchronous file I/O.
#pragma once

#include <filesystem>
#include <string>

#include "sync/config/settings.hpp"
#include "sync/model/owner.hpp"

namespace regsync {

// Returns `named`, if it is not empty; otherwise the id in the file, which is created if missing. Throws
// Error(invalid_input) for an invalid name, and if the file exists without an id, cannot be read or cannot be created:
// with another id, all Secrets would belong to somebody else.
Owner load_owner(const std::filesystem::path& file, const std::string& named = {});

// The name given by the user: `option` (--owner), else $REGSYNC_OWNER, else `setting` (owner: in config.yaml).
std::string named_owner(const std::string& option, const std::string& setting);

// The owner of this installation, from both functions above. Throws like load_owner().
Owner this_owner(const Settings& settings, const std::string& option = {});

// The same without creating anything: the id is empty if there is none yet.
Owner known_owner(const Settings& settings, const std::string& option = {});

// The folder where an engine keeps the footprints of its owner. The default folder belongs to the owner who used it
// first; a run under another name (--owner) has its own, so that it does not forget pending removals of the default
// owner.
std::filesystem::path footprints_folder(const Owner& owner);

// The same for readers: this does not decide who owns the default folder.
std::filesystem::path known_footprints_folder(const Owner& owner);

}  // namespace regsync
