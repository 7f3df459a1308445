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

// The proxy for requests to `server` (http(s)://host[:port][/…]); empty: none. HTTPS_PROXY or HTTP_PROXY by the
// server's scheme, in either case, unless NO_PROXY names the host.
std::string proxy_from_environment(std::string_view server, const EnvironmentLookup& environment = process_environment);

// A proxy for messages, as "scheme://host:port": without user, password and path; http where it names no scheme, and
// then port 80 where it names none (Go: net/http, portMap). Empty for an empty one.
std::string shown_proxy(std::string_view proxy);

}  // namespace regsync::kube
