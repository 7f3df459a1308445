// The owner of the Secrets that this installation writes: a name that the person gives, or an id that is kept in the
// state folder. Synchronous file I/O.
#pragma once

#include <filesystem>
#include <string>

#include "sync/config/settings.hpp"
#include "sync/model/owner.hpp"

namespace regsync {

// `named`, if it is not empty; else the id in the file, which is made where the file does not exist. Throws
// Error(invalid_input) for a name that cannot be one, and where the file is there and holds no id, cannot be read or
// cannot be made: with another id, all Secrets would be somebody else's.
Owner load_owner(const std::filesystem::path& file, const std::string& named = {});

// The name that the person gives: `option` (--owner), else $REGSYNC_OWNER, else `setting` (owner: in config.yaml).
std::string named_owner(const std::string& option, const std::string& setting);

// The owner of this installation, by both. Throws as load_owner().
Owner this_owner(const Settings& settings, const std::string& option = {});

// The same, but nothing is made: the id is empty where there is none yet.
Owner known_owner(const Settings& settings, const std::string& option = {});

// Where an engine keeps the footprints of its owner. The usual folder is that of the owner who used it first; a run in
// another's name (--owner) has a folder of its own, so that it does not forget what is still to be removed in the usual
// name.
std::filesystem::path footprints_folder(const Owner& owner);

// The same for who only reads: whose the usual folder is, is not settled by this.
std::filesystem::path known_footprints_folder(const Owner& owner);

}  // namespace regsync
