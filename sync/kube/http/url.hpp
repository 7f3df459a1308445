// URLs, as libcurl reads them (CURLU): what is checked here is what a connection is made to. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace regsync::kube {

struct Url {
  std::string scheme;  // in lower case
  std::string host;    // of plain_host, in lower case; an IPv6 address without brackets, with its zone: "fe80::1%eth0"
  std::string port;    // the scheme's own where the URL names none
  bool has_port = false;      // the URL names it
  std::string path;           // "/" at least, percent-encoded
  std::string query;          // without "?"
  bool has_userinfo = false;  // "user:password@"

  [[nodiscard]] std::string authority() const;    // "host:port", "[::1]:443"
  [[nodiscard]] std::string host_header() const;  // "host", "[::1]:8443": as Go has it
  [[nodiscard]] std::string origin() const;       // "https://host:port", without a port that the URL does not name
  [[nodiscard]] std::string base() const;         // the origin and the path, without "/" at its end
  [[nodiscard]] std::string target() const;       // "/path?query"
};

// Nullopt where the text is not a URL with a scheme and a host. The fragment is dropped.
std::optional<Url> parse_url(std::string_view text);

// An IPv4 address that is written as an IPv6 one ("::ffff:10.0.0.1") as the IPv4 address: so Go compares and dials it,
// and OpenSSL finds it in a certificate. Any other host as it is.
std::string plain_host(std::string host);

// Whether the host is this machine: "localhost", or an address that is a loopback one (IPv4-mapped too).
bool is_loopback(std::string_view host);

// The `server` of a kubeconfig, with kubectl's rules, as a base that paths can be appended to: without a query, and
// without "/" at its end. Its path is cleaned as client-go (rest/request.go) cleans it: decoded, joined, encoded again.
// Throws Error(kubeconfig), whose message never holds a user name or password, for
//  - what is not an http or https URL,
//  - "user:password@", which is sent with every request and shows up wherever a URL does,
//  - http to another machine: pull passwords would cross the network in the clear.
std::string server_base(std::string_view server);

// The text without "user:password@", for messages, even where it is not a URL: whatever stands between the scheme and
// the last "@" may be a password that holds "/", "#" or a space.
std::string without_userinfo(std::string_view text);

}  // namespace regsync::kube
