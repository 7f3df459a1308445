// The part of a URL that names the server: "host", "host:port" or "[::1]:port". Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace regsync {

struct Authority {
  std::string host;  // a name or an address; of IPv6 without brackets
  std::optional<std::uint16_t> port;

  // Whether it can only be this machine: "localhost", 127.0.0.0/8 or ::1. By the parsed address, never by how the text
  // begins: "127.0.0.1.example.com" is somebody else's.
  [[nodiscard]] bool is_loopback() const;

  bool operator==(const Authority&) const = default;
};

// Nothing for any other text; user information ("user@host") is refused too.
std::optional<Authority> parse_authority(std::string_view text);

}  // namespace regsync
