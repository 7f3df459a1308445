// The file that keeps the owner id of this installation. Synchronous file I/O.
#pragma once

#include <filesystem>

#include "sync/model/owner.hpp"

namespace regsync {

// Reads the id, or makes and keeps one. Throws Error(invalid_input) where the file cannot be read or written.
Owner load_owner(const std::filesystem::path& file);

}  // namespace regsync
