// Tells which addresses this machine has in the networks around it.
#pragma once

#include <set>
#include <string>

namespace regsync {

// Of its interfaces that are up, each as "INTERFACE ADDRESS"; neither loopback nor link-local ones, nor those of
// bridges, which come and go with containers. Empty where the kernel does not tell. Does not throw.
std::set<std::string> own_addresses();

}  // namespace regsync
