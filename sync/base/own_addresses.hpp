// Finds the addresses that this machine has in the networks around it.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace regsync {

// The addresses of interfaces that are up, each as "INTERFACE ADDRESS". Leaves out loopback and link-local addresses,
// those of bridges, which come and go with containers, and passing_addresses(). Empty if the kernel does not list them.
// Does not throw.
std::set<std::string> own_addresses();

// The IPv6 addresses in /proc/net/if_inet6 that come and go while the network stays the same, each as "INTERFACE" and
// 32 hex digits: temporary ones (RFC 8981), and those that are deprecated.
std::set<std::string> passing_addresses(std::string_view if_inet6);

}  // namespace regsync
