#include "sync/kube/http/proxy.hpp"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <asio/ip/network_v4.hpp>
#include <asio/ip/network_v6.hpp>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <utility>

#include "helper/base/text.hpp"
#include "sync/kube/http/url.hpp"

namespace regsync::kube {
namespace {

struct HostPort {
  std::string host;
  std::string port;
};

// "host", "host:port", "[v6]:port", or a bare v6. Keeps brackets without a port, as Go's net.SplitHostPort does: such
// an entry matches nothing.
HostPort split_host_port(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find("]:");
    return end == std::string_view::npos
               ? HostPort{std::string(text), {}}
               : HostPort{std::string(text.substr(1, end - 1)), std::string(text.substr(end + 2))};
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return {std::string(text), {}};
  }
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

// Go compares the address of a server without its zone, and treats an entry with a zone as a name.
std::string without_zone(const std::string& host) { return host.substr(0, host.find('%')); }
bool has_zone(std::string_view entry) { return entry.find('%') != std::string_view::npos; }

std::optional<asio::ip::address> address_of(const std::string& host) {
  std::error_code not_an_address;
  const auto address = asio::ip::make_address(plain_host(host), not_an_address);
  return not_an_address ? std::nullopt : std::optional(address);
}

// kubectl reads "010.0.0.0/8" as 10.0.0.0/8 (ParseCIDRSloppy).
std::string without_leading_zeros(const std::string& network) {
  std::string text;
  for (const char c : network) {
    const bool after_zero = text.ends_with('0') && (text.size() == 1 || text[text.size() - 2] == '.');
    if (after_zero && c >= '0' && c <= '9') {
      text.pop_back();
    }
    text += c;
  }
  return text;
}

// Converts a network of IPv4-mapped addresses to one of IPv4 addresses.
std::optional<asio::ip::network_v4> network_v4_of(const std::string& network) {
  constexpr unsigned short mapped_bits = 96;
  std::error_code failure;
  if (network.find(':') == std::string::npos) {
    const auto plain = asio::ip::make_network_v4(without_leading_zeros(network), failure);
    return failure ? std::nullopt : std::optional(plain);
  }
  const auto mapped = asio::ip::make_network_v6(network, failure);
  if (failure || !mapped.address().is_v4_mapped() || mapped.prefix_length() < mapped_bits) {
    return std::nullopt;
  }
  return asio::ip::network_v4(asio::ip::make_address_v4(asio::ip::v4_mapped, mapped.address()),
                              static_cast<unsigned short>(mapped.prefix_length() - mapped_bits));
}

bool in_network(const asio::ip::address& address, const std::string& network) {
  if (address.is_v4()) {
    const auto net = network_v4_of(network);
    return net && asio::ip::network_v4(address.to_v4(), net->prefix_length()).canonical() == net->canonical();
  }
  std::error_code failure;
  const auto net = asio::ip::make_network_v6(network, failure);
  return !failure && asio::ip::network_v6(address.to_v6(), net.prefix_length()).canonical() == net.canonical();
}

bool excludes(const std::string& entry, const Url& server, const std::optional<asio::ip::address>& address) {
  if (entry == "*") {
    return true;
  }
  if (entry.find('/') != std::string::npos) {
    return address && !has_zone(entry) && in_network(*address, entry);
  }
  HostPort named = split_host_port(entry);
  if (named.host.empty() || (!named.port.empty() && named.port != server.port)) {
    return false;
  }
  if (const auto named_address = has_zone(named.host) ? std::nullopt : address_of(named.host)) {
    return address == named_address;
  }
  if (address) {
    return false;  // "*.3" does not match an address
  }
  // "x.y" matches x.y and its subdomains; ".x.y" and "*.x.y" match only subdomains.
  if (named.host.starts_with("*.")) {
    named.host.erase(0, 1);
  }
  if (named.host.starts_with('.')) {
    return server.host.ends_with(named.host);
  }
  return server.host == named.host || server.host.ends_with("." + named.host);
}

constexpr std::string_view scheme_end = "://";

std::string with_scheme(std::string_view proxy) {
  return (proxy.find(scheme_end) == std::string_view::npos ? "http://" : "") + std::string(proxy);
}

// The rule of net/url; in addition no byte may be NUL, which would end the string for libcurl.
bool can_be_decoded(std::string_view userinfo) {
  const auto is_digit = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  for (auto at = userinfo.find('%'); at != std::string_view::npos; at = userinfo.find('%', at + 1)) {
    const std::string_view digits = userinfo.substr(at + 1, 2);
    if (digits.size() != 2 || !std::ranges::all_of(digits, is_digit) || digits == "00") {
      return false;
    }
  }
  return !has_control_characters(userinfo);
}

}  // namespace

std::optional<std::string> process_environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

EnvironmentProxy proxy_from_environment(std::string_view server_url, const EnvironmentLookup& environment) {
  const auto either = [&](std::string_view upper, std::string_view lower) {
    std::string value = environment(upper).value_or("");
    return value.empty() ? EnvironmentProxy{environment(lower).value_or(""), std::string(lower)}
                         : EnvironmentProxy{std::move(value), std::string(upper)};
  };
  const auto server = parse_url(server_url);
  if (!server) {
    return {};
  }
  EnvironmentProxy proxy =
      server->scheme == "https" ? either("HTTPS_PROXY", "https_proxy") : either("HTTP_PROXY", "http_proxy");
  if (proxy.url.empty() || is_loopback(server->host)) {
    return {};
  }
  const auto address = address_of(without_zone(server->host));
  const std::string exclusions = either("NO_PROXY", "no_proxy").url;
  std::string_view rest = exclusions;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const std::string entry = to_lower(trim(rest.substr(0, comma)));
    if (!entry.empty() && excludes(entry, *server, address)) {
      return {};
    }
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  proxy.url = with_scheme(proxy.url);
  return proxy;
}

std::optional<Proxy> parse_proxy(std::string_view proxy) {
  std::string text = with_scheme(proxy);
  const auto begin = text.find(scheme_end) + scheme_end.size();
  const std::string_view authority = std::string_view(text).substr(begin, text.find_first_of("/?#", begin) - begin);
  Proxy parsed;
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    parsed.userinfo = authority.substr(0, at);
    text.erase(begin, at + 1);
  }
  auto url = parse_url(text);
  if (!url || !can_be_decoded(parsed.userinfo)) {
    return std::nullopt;
  }
  const bool is_socks = url->scheme == "socks5" || url->scheme == "socks5h";
  const bool is_http = !is_socks && url->scheme != "https";
  if (is_http && !url->has_port) {
    url->port = "80";  // libcurl's default is 1080
    url->has_port = true;
  }
  parsed.shown = presentable(url->origin());
  if (is_socks) {
    url->scheme = "socks5h";  // Go lets the proxy resolve names
  } else if (is_http) {
    url->scheme = "http";
  }
  parsed.url = url->origin();
  return parsed;
}

std::string shown_proxy(std::string_view proxy) {
  if (proxy.empty()) {
    return {};
  }
  const auto parsed = parse_proxy(proxy);
  return parsed ? parsed->shown : "one that is not a URL";
}

}  // namespace regsync::kube
