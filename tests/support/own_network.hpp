// A network of a test's own, so that its packets can be dropped and nothing of it reaches the machine's.
#pragma once

#include <string>
#include <vector>

namespace regsync::test {

// Moves this process to a network that has only loopback; what it starts from then on lives in it too. False where the
// machine does not allow it. Call it before there is another thread.
bool enter_own_network();

// Of that network. Whether it succeeded.
bool iptables(std::vector<std::string> arguments);

}  // namespace regsync::test
