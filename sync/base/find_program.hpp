// Finds a program as a shell does: a name with a "/" is a path, any other is searched on PATH; but only in the folders
// there that are absolute, because who fills the current one may be anybody (Go: os/exec, ErrDot). Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace regsync {

// The program among the folders of `path`, which is written as PATH is; nothing where none of them has it.
std::optional<std::string> find_in(std::string_view path, const std::string& name);

// The same on the PATH of this process.
std::optional<std::string> find_on_path(const std::string& name);
bool is_on_path(const std::string& name);

// The path of the program. Throws Error: not_found where there is none, naming the PATH that was searched; rejected
// where there is a file of that name that cannot be executed, naming it.
std::string find_program(const std::string& name);

}  // namespace regsync
