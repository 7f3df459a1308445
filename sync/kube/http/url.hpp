// The parts of an http or https URL. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace regsync::kube {

struct Url {
  std::string scheme;  // "http" or "https", in lower case
  bool has_userinfo = false;
  std::string host;  // no brackets around IPv6; an IPv4-mapped IPv6 address is its IPv4 address
  std::string port;  // empty where the text has none
  std::string path;  // "" or beginning with "/", no trailing "/"; query and fragment are dropped, as client-go does

  // http(s)://host[:port][/path], without user.
  [[nodiscard]] std::string text() const;
};

// Nothing where `text` is no http or https URL.
std::optional<Url> parse_url(std::string_view text);

// "localhost" or an address of the loopback interface (127.0.0.0/8, ::1), as Go's net package decides it.
bool is_loopback(std::string_view host);

}  // namespace regsync::kube
