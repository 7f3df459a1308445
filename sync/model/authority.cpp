#include "sync/model/authority.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace regsync {
namespace {

constexpr std::size_t longest_host = 253;  // RFC 1035

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

}  // namespace

bool Authority::is_loopback() const {
  std::string name = host;
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (name == "localhost") {
    return true;
  }
  in_addr v4{};
  if (::inet_pton(AF_INET, name.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24U) == 127;
  }
  in6_addr v6{};
  return ::inet_pton(AF_INET6, name.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::optional<Authority> parse_authority(std::string_view text) {
  Authority authority;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    authority.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (!is_ipv6(authority.host)) {
      return std::nullopt;
    }
  } else {
    authority.host = text.substr(0, text.find(':'));
    text.remove_prefix(authority.host.size());
    if (authority.host.empty() || authority.host.size() > longest_host ||
        !std::ranges::all_of(authority.host, is_host_character)) {
      return std::nullopt;
    }
  }
  if (text.empty()) {
    return authority;
  }
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data() + 1, end, port);
  if (!text.starts_with(':') || fault != std::errc() || stop != end) {
    return std::nullopt;
  }
  authority.port = port;
  return authority;
}

}  // namespace regsync
