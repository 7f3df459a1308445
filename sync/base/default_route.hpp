// Tells whether this machine has a route to other networks.
#pragma once

#include <string_view>

namespace regsync {

// Whether these kernel routing tables (/proc/net/route, /proc/net/ipv6_route) have a default route that is up and leads
// out of the machine. Pure.
bool lists_default_route(std::string_view ipv4, std::string_view ipv6);

// The same for this machine's tables; true if they cannot be read. Does not throw.
bool has_default_route();

}  // namespace regsync
