// `regsync`: arguments in, exit code out.
#pragma once

#include <string>
#include <vector>

#include "sync/cli/environment.hpp"

namespace regsync::cli {

// arguments: without the program's name. Errors of every kind end here, on environment.err.
int run(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace regsync::cli
