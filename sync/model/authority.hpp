// Authority is the part of a URL that names the server: "host", "host:port" or "[::1]:port". Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace regsync {

struct Authority {
  std::string host;  // a name or an address; IPv6 without brackets
  std::optional<std::uint16_t> port;

  // Whether it can only be this machine: "localhost", 127.0.0.0/8 or ::1. Decided by the parsed address, never by a
  // text prefix: "127.0.0.1.example.com" is another host.
  [[nodiscard]] bool is_loopback() const;

  bool operator==(const Authority&) const = default;
};

// Returns nothing for any other text; user information ("user@host") is refused too.
std::optional<Authority> parse_authority(std::string_view text);

}  // namespace regsync
