// Selects the proxy that the environment asks for, by the rules of Go (golang.org/x/net/http/httpproxy), which are
// kubectl's. Pure. They differ from libcurl's: a loopback host is never proxied, `.x` means subdomains only, ports
// count.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace regsync::kube {

// The value of an environment variable; nullopt where it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(std::string_view name)>;

// The environment of this process.
std::optional<std::string> process_environment(std::string_view name);

struct EnvironmentProxy {
  std::string url;       // empty: none
  std::string variable;  // that names it
};

// The proxy for requests to `server` (http(s)://host[:port][/…]). HTTPS_PROXY or HTTP_PROXY by the server's scheme, in
// either case, unless NO_PROXY names the host.
EnvironmentProxy proxy_from_environment(std::string_view server,
                                        const EnvironmentLookup& environment = process_environment);

// A proxy as a connection is made to it.
struct Proxy {
  std::string url;  // "scheme://host:port", http, https or socks5h: Go speaks http to any other (net/http, dialConn)
  std::string userinfo;  // "user:password", percent-encoded
  std::string shown;     // for messages: without user, password and path, with the scheme that it was given
};

// http where it names no scheme, and port 80 where http names none (Go: net/http, portMap). The last "@" ends user and
// password. Nullopt for what is no URL, and where user or password cannot be decoded.
std::optional<Proxy> parse_proxy(std::string_view proxy);

// Proxy::shown, for any text. Empty for an empty one.
std::string shown_proxy(std::string_view proxy);

}  // namespace regsync::kube
