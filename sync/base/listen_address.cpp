#include "sync/base/listen_address.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"

namespace regsync {

namespace {

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  return fault == std::errc() && end == text.data() + text.size();
}

std::optional<in_addr> ipv4_of(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ? std::optional(address) : std::nullopt;
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

bool ListenAddress::is_loopback() const {
  constexpr unsigned loopback_net = 127;
  const auto ipv4 = ipv4_of(host);
  return ipv4 ? (ntohl(ipv4->s_addr) >> 24U) == loopback_net : host == "::1" || host == "localhost";
}

ListenAddress parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && is_port(text.substr(colon + 1))) {
    ListenAddress address{.host = std::string(text.substr(0, colon)), .port = std::string(text.substr(colon + 1))};
    if (address.host.starts_with('[') && address.host.ends_with(']')) {
      address.host = address.host.substr(1, address.host.size() - 2);
      if (is_ipv6(address.host)) {
        return address;
      }
    } else if (address.host.empty() || address.host == "localhost" || ipv4_of(address.host)) {
      return address;
    }
  }
  throw Error(ErrorCode::invalid_input, "not an address and port to listen on: " + in_quotes(text),
              "write HOST:PORT, where HOST is an address or localhost, for example 127.0.0.1:9464 or [::1]:9464, or "
              ":PORT for all addresses");
}

}  // namespace regsync
