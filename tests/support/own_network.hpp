// Gives a test its own network namespace, to drop packets and to stay isolated from the machine's network.
#pragma once

#include <string>
#include <vector>

namespace regsync::test {

// Moves this process, and the processes that it starts later, to a network with only loopback. Returns false if the
// machine does not allow it. Call it before any other thread exists.
bool enter_own_network();

// Runs iptables in that network. Returns whether it succeeded.
bool iptables(std::vector<std::string> arguments);

}  // namespace regsync::test
