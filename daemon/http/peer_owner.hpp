// Finds the user whose program is the peer of a connection on 127.0.0.1. Any thread.
#pragma once

#include <sys/types.h>

#include <optional>

namespace regsync {

// Returns the owner of the client's socket as listed in /proc/net/tcp (proc_net_tcp.rst); nullopt if it is not listed.
std::optional<uid_t> owner_of_peer(int peer_port, int own_port);

}  // namespace regsync
