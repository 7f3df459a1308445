// Finds a program as a shell does: a name with a "/" is a path, any other is searched on PATH. Ignores relative folders
// on PATH, because anybody may have filled the current one (Go: os/exec, ErrDot). Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace regsync {

// Searches the folders of `path`, which has the format of PATH; nullopt if none has the program.
std::optional<std::string> find_in(std::string_view path, const std::string& name);

// The same with the PATH of this process.
std::optional<std::string> find_on_path(const std::string& name);
bool is_on_path(const std::string& name);

// Returns the path of the program. Throws Error: not_found if there is none, naming the PATH that was searched;
// rejected if a file with that name exists but cannot be executed, naming the file.
std::string find_program(const std::string& name);

}  // namespace regsync
