// The name of this machine. Any thread.
#pragma once

#include <string>

namespace regsync {

// Returns gethostname(2); empty if that fails.
std::string this_host();

}  // namespace regsync
