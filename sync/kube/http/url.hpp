// Parses URLs with libcurl (CURLU), so that what is checked here is what a connection is made to. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace regsync::kube {

struct Url {
  std::string scheme;     // in lower case
  std::string host;       // plain_host, lower-cased; an IPv6 address without brackets, with its zone: "fe80::1%eth0"
  std::string port;       // the scheme's default if the URL names none
  bool has_port = false;  // the URL names it
  std::string path;       // "/" at least, percent-encoded
  std::string query;      // without "?"
  bool has_userinfo = false;  // "user:password@"

  [[nodiscard]] std::string authority() const;    // "host:port", "[::1]:443"
  [[nodiscard]] std::string host_header() const;  // "host", "[::1]:8443": as in Go
  [[nodiscard]] std::string origin() const;       // "https://host:port", the port only if the URL names it
  [[nodiscard]] std::string base() const;         // the origin and the path, without trailing "/"
  [[nodiscard]] std::string target() const;       // "/path?query"
};

// Nullopt if the text is not a URL with a scheme and a host. Drops the fragment.
std::optional<Url> parse_url(std::string_view text);

// Converts an IPv4-mapped IPv6 address ("::ffff:10.0.0.1") to IPv4, as Go does to compare and dial it, and as OpenSSL
// needs it to match a certificate. Returns any other host unchanged.
std::string plain_host(std::string host);

// Whether the host is this machine: "localhost", or a loopback address (also IPv4-mapped).
bool is_loopback(std::string_view host);

// Converts the `server` of a kubeconfig, by kubectl's rules, to a base that paths can be appended to: without a query
// or a trailing "/". Cleans its path as client-go does (rest/request.go): decoded, joined, encoded again. Throws
// Error(kubeconfig), whose message never holds a user name or password, for
//  - anything but an http or https URL,
//  - "user:password@", which is sent with every request and appears wherever the URL does,
//  - http to another machine: pull passwords would cross the network in the clear.
std::string server_base(std::string_view server);

// The text without "user:password@", for messages, even if it is not a URL: anything between the scheme and the last
// "@" may be a password that contains "/", "#" or a space.
std::string without_userinfo(std::string_view text);

}  // namespace regsync::kube
