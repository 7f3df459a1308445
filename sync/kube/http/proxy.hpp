// Selects the proxy that the environment asks for, by the rules of Go (golang.org/x/net/http/httpproxy), which are
// kubectl's. Pure. They differ from libcurl's: a loopback host is never proxied, `.x` matches only subdomains, and
// ports are compared.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace regsync::kube {

// The value of an environment variable; nullopt if it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(std::string_view name)>;

// The environment of this process.
std::optional<std::string> process_environment(std::string_view name);

struct EnvironmentProxy {
  std::string url;       // empty: none
  std::string variable;  // the variable that names it
};

// The proxy for requests to `server` (http(s)://host[:port][/…]). HTTPS_PROXY or HTTP_PROXY by the server's scheme, in
// upper or lower case, unless NO_PROXY names the host.
EnvironmentProxy proxy_from_environment(std::string_view server,
                                        const EnvironmentLookup& environment = process_environment);

// A proxy as needed to connect to it.
struct Proxy {
  std::string url;  // "scheme://host:port", http, https or socks5h: Go uses http for all others (net/http, dialConn)
  std::string userinfo;  // "user:password", percent-encoded
  std::string shown;     // for messages: without user, password and path, with the original scheme
};

// The scheme defaults to http, and the port of http to 80 (Go: net/http, portMap). The last "@" ends the user and
// password. Nullopt if it is not a URL, or if the user or password cannot be decoded.
std::optional<Proxy> parse_proxy(std::string_view proxy);

// Proxy::shown, for any text. Empty for an empty one.
std::string shown_proxy(std::string_view proxy);

}  // namespace regsync::kube
