// The address on which a server listens, as users write it: "127.0.0.1:9464", "[::1]:9464", "localhost:9464", or
// ":9464" for all addresses. Other names are refused, because listening would wait for DNS. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace regsync {

struct ListenAddress {
  std::string host;  // an address (IPv6 without brackets) or "localhost"; empty: all addresses
  std::string port;  // 0 to 65535; 0: any free one

  // Whether only programs on this machine can reach it.
  [[nodiscard]] bool is_loopback() const;
};

// Throws Error(invalid_input) that names a valid form.
ListenAddress parse_listen_address(std::string_view text);

}  // namespace regsync
