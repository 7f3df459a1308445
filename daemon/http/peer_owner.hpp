// Finds the user whose program is at the other end of a connection on 127.0.0.1. Any thread.
#pragma once

#include <sys/types.h>

#include <optional>

namespace regsync {

// The user who made the client's socket, as the kernel lists it (proc_net_tcp.rst: /proc/net/tcp). Nothing where it is
// not listed.
std::optional<uid_t> owner_of_peer(int peer_port, int own_port);

}  // namespace regsync
