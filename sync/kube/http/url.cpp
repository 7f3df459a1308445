#include "sync/kube/http/url.hpp"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <cctype>
#include <new>
#include <sstream>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/base/percent_encoding.hpp"
#include "sync/kube/http/curl_ptr.hpp"

namespace regsync::kube {
namespace {

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) {
    return {};
  }
  std::string copy = text;
  curl_free(text);
  return copy;
}

// The host as in a URL: an IPv6 address in brackets, its zone escaped (RFC 6874).
std::string bracketed(const std::string& host) {
  if (host.find(':') == std::string::npos) {
    return host;
  }
  const auto zone = host.find('%');
  return "[" + host.substr(0, zone) + (zone == std::string::npos ? "" : "%25" + host.substr(zone + 1)) + "]";
}

// Go accepts an IPv4 address in brackets, libcurl does not.
std::string without_brackets_of_ipv4(std::string text) {
  const auto open = text.find('[');
  const auto close = text.find(']', open);
  if (open != std::string::npos && close != std::string::npos &&
      text.find_first_of("/?#", text.find("://") + 3) > open) {
    std::error_code not_an_address;
    asio::ip::make_address_v4(text.substr(open + 1, close - open - 1), not_an_address);
    if (!not_an_address) {
      text.erase(close, 1).erase(open, 1);
    }
  }
  return text;
}

}  // namespace

std::string Url::authority() const { return bracketed(host) + ":" + port; }

// With a port only if the URL names one, and without a zone, which is local to this machine (Go: net/http, removeZone).
std::string Url::host_header() const {
  return bracketed(host.substr(0, host.find('%'))) + (has_port ? ":" + port : "");
}

std::string Url::origin() const { return scheme + "://" + bracketed(host) + (has_port ? ":" + port : ""); }

std::string Url::base() const {
  std::string text = origin() + path;
  while (text.ends_with('/')) {
    text.pop_back();
  }
  return text;
}

std::string Url::target() const { return path + (query.empty() ? "" : "?" + query); }

std::optional<Url> parse_url(std::string_view text) {
  // libcurl accepts one or three slashes instead of two.
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos || text.substr(scheme_end + 3).starts_with('/')) {
    return std::nullopt;
  }
  const CurlUrl url(curl_url());
  if (!url) {
    throw std::bad_alloc();
  }
  constexpr unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE;
  const std::string whole = without_brackets_of_ipv4(std::string(text));
  if (whole.find('\0') != std::string::npos ||
      curl_url_set(url.get(), CURLUPART_URL, whole.c_str(), flags) != CURLUE_OK) {
    return std::nullopt;
  }
  Url parsed;
  parsed.scheme = to_lower(part_of(url.get(), CURLUPART_SCHEME));
  parsed.host = to_lower(part_of(url.get(), CURLUPART_HOST));
  if (parsed.host.starts_with('[') && parsed.host.ends_with(']')) {
    parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
    const std::string zone = part_of(url.get(), CURLUPART_ZONEID);
    parsed.host.append(zone.empty() ? "" : "%").append(zone);
    parsed.host = plain_host(std::move(parsed.host));
  }
  parsed.port = part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  parsed.has_port = !part_of(url.get(), CURLUPART_PORT).empty();
  parsed.path = part_of(url.get(), CURLUPART_PATH);
  parsed.query = part_of(url.get(), CURLUPART_QUERY);
  parsed.has_userinfo = !part_of(url.get(), CURLUPART_USER).empty() || !part_of(url.get(), CURLUPART_PASSWORD).empty();
  if (parsed.host.empty()) {
    return std::nullopt;
  }
  return parsed;
}

std::string plain_host(std::string host) {
  std::error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (not_an_address || !address.is_v6() || !address.to_v6().is_v4_mapped()) {
    return host;
  }
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
}

bool is_loopback(std::string_view host) {
  const std::string plain = to_lower(plain_host(std::string(host)));
  std::error_code not_an_address;
  const auto address = asio::ip::make_address(plain, not_an_address);
  return not_an_address ? plain == "localhost" : address.is_loopback();
}

std::string without_userinfo(std::string_view text) {
  const auto at = text.rfind('@');
  if (at == std::string_view::npos) {
    return std::string(text);
  }
  // A scheme may lack a slash, or have one too many.
  const auto scheme_end = text.substr(0, at).find(":/");
  const bool has_scheme = scheme_end != std::string_view::npos && text.find('/') > scheme_end;
  const auto begin = std::min(text.find_first_not_of('/', has_scheme ? scheme_end + 1 : 0), at);
  return std::string(text.substr(0, begin)).append(text.substr(at + 1));
}

namespace {

// As Go's path.Join: without empty segments, "." and "..".
std::string clean_path(std::string_view encoded) {
  constexpr std::string_view plain_in_a_segment = "-._~$&+,:;=@";  // net/url, shouldEscape
  const std::string path = percent_decoded(encoded);
  std::vector<std::string> segments;
  std::istringstream each(path);
  for (std::string segment; std::getline(each, segment, '/');) {
    if (segment == ".." && !segments.empty()) {
      segments.pop_back();
    } else if (!segment.empty() && segment != "." && segment != "..") {
      segments.push_back(percent_encoded(segment, plain_in_a_segment));
    }
  }
  return "/" + join(segments, "/");
}

}  // namespace

std::string server_base(std::string_view server) {
  const std::string shown = "\"" + without_userinfo(server) + "\"";
  const auto blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  if (!server.empty() && (blank(server.front()) || blank(server.back()))) {
    throw Error(ErrorCode::kubeconfig, "server " + shown + " begins or ends with a space",
                "remove the space from `server` in the kubeconfig");
  }
  const auto url = parse_url(server);
  if (!url) {
    throw Error(ErrorCode::kubeconfig, "server must be a URL or a host:port pair: " + shown,
                "correct `server` in the kubeconfig");
  }
  if (url->scheme != "https" && url->scheme != "http") {
    throw Error(ErrorCode::kubeconfig, "server must be an http or https URL: " + shown,
                "correct `server` in the kubeconfig");
  }
  if (url->has_userinfo) {
    throw Error(ErrorCode::kubeconfig, "server " + shown + " has a user name or password in it",
                "take it out of `server`, and put it under `users` in the kubeconfig");
  }
  if (url->scheme == "http" && !is_loopback(url->host)) {
    throw Error(ErrorCode::kubeconfig,
                "server " + shown + " is plain http: pull passwords would cross the network unencrypted",
                "use the https address of the API server; plain http is for this machine alone (127.0.0.1, ::1, "
                "localhost)");
  }
  Url clean = *url;
  clean.path = clean_path(url->path);
  return clean.base();
}

}  // namespace regsync::kube
