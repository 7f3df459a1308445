// Runs a command line of `regsync`, and answers its exit code.
#pragma once

#include <string>
#include <vector>

#include "sync/cli/view/console.hpp"

namespace regsync::cli {

// arguments: without the program's name. Errors of every kind end here, on console.err.
int run(const std::vector<std::string>& arguments, Console& console);

}  // namespace regsync::cli
