// Who writes: an id of this regsync installation, made once, and a name for people. It stands in every Secret that
// we write, so that two machines with the same target see each other instead of fighting.
#pragma once

#include <filesystem>
#include <string>

namespace regsync {

struct Owner {
  std::string id;          // random, of paths::owner()
  std::string annotation;  // "ID user@host"
};

// Reads the id, or makes and keeps one. Throws Error(invalid_input) where the file cannot be read or written.
Owner load_owner(const std::filesystem::path& file);

}  // namespace regsync
