// The name of this machine. Any thread.
#pragma once

#include <string>

namespace regsync {

// As gethostname(2) has it; empty where it cannot be had.
std::string this_host();

}  // namespace regsync
