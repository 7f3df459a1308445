#include "sync/kube/http/proxy.hpp"

#include <asio/ip/address.hpp>
#include <asio/ip/network_v4.hpp>
#include <asio/ip/network_v6.hpp>
#include <cstdlib>
#include <optional>

#include "helper/base/text.hpp"
#include "sync/kube/http/url.hpp"

namespace regsync::kube {
namespace {

struct HostPort {
  std::string host;
  std::string port;
};

// "host", "host:port", "[v6]:port", or a bare v6. Brackets without a port stay, as in Go's net.SplitHostPort: such an
// entry matches nothing.
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

// Nothing for an address with a zone: to Go that is a name.
std::optional<asio::ip::address> address_of(const std::string& host) {
  if (host.find('%') != std::string::npos) {
    return std::nullopt;
  }
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

// A network of IPv4-mapped addresses is one of IPv4 addresses.
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
    return address && in_network(*address, entry);
  }
  HostPort named = split_host_port(entry);
  if (named.host.empty() || (!named.port.empty() && named.port != server.port)) {
    return false;
  }
  if (const auto named_address = address_of(named.host)) {
    return address == named_address;
  }
  if (address) {
    return false;  // "*.3" is no part of an address
  }
  // "x.y" means x.y and all below it; ".x.y" and "*.x.y" only what is below.
  if (named.host.starts_with("*.")) {
    named.host.erase(0, 1);
  }
  if (named.host.starts_with('.')) {
    return server.host.ends_with(named.host);
  }
  return server.host == named.host || server.host.ends_with("." + named.host);
}

}  // namespace

std::optional<std::string> process_environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::string proxy_from_environment(std::string_view server_url, const EnvironmentLookup& environment) {
  const auto either = [&](std::string_view upper, std::string_view lower) {
    const std::string first = environment(upper).value_or("");
    return first.empty() ? environment(lower).value_or("") : first;
  };
  const auto server = parse_url(server_url);
  if (!server) {
    return {};
  }
  std::string proxy =
      server->scheme == "https" ? either("HTTPS_PROXY", "https_proxy") : either("HTTP_PROXY", "http_proxy");
  if (proxy.empty() || is_loopback(server->host)) {
    return {};
  }
  const auto address = address_of(server->host);
  const std::string exclusions = either("NO_PROXY", "no_proxy");
  std::string_view rest = exclusions;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const std::string entry = to_lower(trim(rest.substr(0, comma)));
    if (!entry.empty() && excludes(entry, *server, address)) {
      return {};
    }
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  if (proxy.find("://") == std::string::npos) {
    proxy.insert(0, "http://");
  }
  return proxy;
}

std::string shown_proxy(std::string_view proxy) {
  if (proxy.empty()) {
    return {};
  }
  const bool has_scheme = proxy.find("://") != std::string_view::npos;
  const auto url = parse_url((has_scheme ? "" : "http://") + std::string(proxy));
  if (!url) {
    return "one that is not a URL";
  }
  return presentable(url->origin()) + (url->scheme == "http" && !url->has_port ? ":80" : "");
}

}  // namespace regsync::kube
