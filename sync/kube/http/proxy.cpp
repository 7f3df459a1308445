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

// "host", "host:port", "[v6]", "[v6]:port", or a bare v6.
HostPort split_host_port(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    const auto host = text.substr(1, end == std::string_view::npos ? end : end - 1);
    const bool has_port = end != std::string_view::npos && text.substr(end + 1).starts_with(':');
    return {std::string(host), has_port ? std::string(text.substr(end + 2)) : std::string()};
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return {std::string(text), {}};
  }
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

std::optional<asio::ip::address> address_of(const std::string& host) {
  std::error_code not_an_address;
  const auto address = asio::ip::make_address(plain_host(host), not_an_address);
  return not_an_address ? std::nullopt : std::optional(address);
}

bool in_network(const asio::ip::address& address, const std::string& network) {
  std::error_code failure;
  if (address.is_v4()) {
    const auto net = asio::ip::make_network_v4(network, failure);
    return !failure && asio::ip::network_v4(address.to_v4(), net.prefix_length()).canonical() == net.canonical();
  }
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

}  // namespace regsync::kube
