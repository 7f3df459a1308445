#include "daemon/http/peer_owner.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

namespace regsync {

namespace {

// The address is in network byte order, the port is not.
std::string loopback(int port) {
  std::array<char, 16> text{};
  static_cast<void>(std::snprintf(text.data(), text.size(), "0100007F:%04X", static_cast<unsigned>(port)));
  return text.data();
}

}  // namespace

std::optional<uid_t> owner_of_peer(int peer_port, int own_port) {
  const std::string from = loopback(peer_port);
  const std::string to = loopback(own_port);
  std::ifstream table("/proc/net/tcp");
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields(line);
    std::string skipped;
    std::string local;
    std::string remote;
    uid_t owner = 0;
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid
    if (fields >> skipped >> local >> remote && local == from && remote == to &&
        fields >> skipped >> skipped >> skipped >> skipped >> owner) {
      return owner;
    }
  }
  return std::nullopt;
}

}  // namespace regsync
