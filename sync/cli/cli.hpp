// Runs a command line of `regsync` and returns its exit code.
#pragma once

#include <string>
#include <vector>

#include "sync/cli/view/console.hpp"

namespace regsync::cli {

// arguments: without the program's name. Prints all errors to console.err; throws none.
int run(const std::vector<std::string>& arguments, Console& console);

}  // namespace regsync::cli
