// Finding a program as a shell does: a name with a "/" is a path, any other is looked up on PATH. Any thread.
#pragma once

#include <string>

namespace regsync {

// The path of the program. Throws Error: not_found where there is none, naming the PATH that was searched; rejected
// where there is a file of that name that cannot be executed, naming it.
std::string find_program(const std::string& name);

}  // namespace regsync
