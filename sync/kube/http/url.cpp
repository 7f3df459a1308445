#include "sync/kube/http/url.hpp"

#include <curl/curl.h>

#include <asio/ip/address.hpp>
#include <memory>

#include "helper/base/text.hpp"

namespace regsync::kube {
namespace {

struct CleanUp {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK || text == nullptr) {
    return {};
  }
  std::string copy = text;
  curl_free(text);
  return copy;
}

// Go compares and dials an IPv4-mapped IPv6 address as IPv4; OpenSSL does not find it in a certificate.
std::string plain_host(std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  std::error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address && address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return host;
}

}  // namespace

std::string Url::text() const {
  std::string url = scheme + "://" + (host.find(':') == std::string::npos ? host : "[" + host + "]");
  if (!port.empty()) {
    url += ":" + port;
  }
  return url + path;
}

std::optional<Url> parse_url(std::string_view text) {
  const std::unique_ptr<CURLU, CleanUp> parsed(curl_url());
  if (!parsed || text.find("://") == std::string_view::npos ||
      curl_url_set(parsed.get(), CURLUPART_URL, std::string(text).c_str(), 0) != CURLUE_OK) {
    return std::nullopt;
  }
  Url url;
  url.scheme = to_lower(part(parsed.get(), CURLUPART_SCHEME));
  if (url.scheme != "http" && url.scheme != "https") {
    return std::nullopt;
  }
  url.has_userinfo = !part(parsed.get(), CURLUPART_USER).empty() || !part(parsed.get(), CURLUPART_PASSWORD).empty();
  url.host = plain_host(part(parsed.get(), CURLUPART_HOST));
  url.port = part(parsed.get(), CURLUPART_PORT);
  url.path = part(parsed.get(), CURLUPART_PATH);
  while (url.path.ends_with('/')) {
    url.path.pop_back();
  }
  return url;
}

bool is_loopback(std::string_view host) {
  std::error_code not_an_address;
  const auto address = asio::ip::make_address(plain_host(std::string(host)), not_an_address);
  return not_an_address ? to_lower(host) == "localhost" : address.is_loopback();
}

}  // namespace regsync::kube
