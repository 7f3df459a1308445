#include "sync/logins/registry_protocol.hpp"

#include <algorithm>
#include <array>
#include <asio/ip/address.hpp>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "sync/base/json_access.hpp"

namespace regsync {
namespace {

// Whether a text is safe in a header or a URL: other characters could end it and start another one (RFC 6750, 2.1).
bool is_one_word(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7F; });
}

// Removes a token or a quoted string (RFC 9110, 5.6) from the front and returns it.
std::string take_value(std::string_view& text) {
  if (!text.starts_with('"')) {
    const auto end = std::min(text.find_first_of(" ,\t"), text.size());
    std::string value(text.substr(0, end));
    text.remove_prefix(end);
    return value;
  }
  text.remove_prefix(1);
  std::string value;
  while (!text.empty() && text.front() != '"') {
    if (text.front() == '\\' && text.size() > 1) {
      text.remove_prefix(1);
    }
    value += text.front();
    text.remove_prefix(1);
  }
  text.remove_prefix(std::min<std::size_t>(1, text.size()));
  return value;
}

}  // namespace

Challenge parse_challenge(std::string_view header) {
  Challenge found;
  Challenge current;
  const auto keep = [&] {
    if ((current.scheme == "bearer" && found.scheme != "bearer") ||
        (current.scheme == "basic" && found.scheme.empty())) {
      found = std::move(current);
    }
    current = {};
  };
  const auto skip = [&](std::string_view characters) {
    header.remove_prefix(std::min(header.find_first_not_of(characters), header.size()));
  };
  while (!header.empty()) {
    skip(" ,\t");
    const auto end = std::min(header.find_first_of(" =,\t"), header.size());
    std::string word(header.substr(0, end));
    for (char& c : word) {
      if (c >= 'A' && c <= 'Z') {
        c = static_cast<char>(c - 'A' + 'a');
      }
    }
    header.remove_prefix(end);
    if (!header.starts_with('=')) {  // a scheme starts the next challenge
      keep();
      current.scheme = word;
      skip(" \t");
      continue;
    }
    header.remove_prefix(1);
    current.parameters[word] = take_value(header);
  }
  keep();
  return found;
}

std::optional<kube::Url> parse_realm(std::string_view text) {
  if (!is_one_word(text)) {
    return std::nullopt;
  }
  auto url = kube::parse_url(text);
  if (!url || url->has_userinfo || (url->scheme != "https" && url->scheme != "http")) {
    return std::nullopt;
  }
  return url;
}

bool may_carry_login(const kube::Url& token_server, std::string_view registry_host) {
  return token_server.scheme == "https" || (kube::is_loopback(token_server.host) && kube::is_loopback(registry_host));
}

std::optional<kube::Url> parse_location(std::string_view text, const kube::Url& registry) {
  const bool is_path = text.starts_with('/') && !text.starts_with("//");
  auto url = parse_realm(is_path ? registry.origin().append(text) : std::string(text));
  return url && may_carry_login(*url, registry.host) ? std::move(url) : std::nullopt;
}

namespace {

bool is_address(const std::string& host) {
  std::error_code not_an_address;
  (void)asio::ip::make_address(host, not_an_address);
  return !not_an_address;
}

std::string_view last_labels(std::string_view host, int count) {
  std::size_t dot = host.size();
  for (; count > 0 && dot != std::string_view::npos && dot > 0; --count) {
    dot = host.rfind('.', dot - 1);
  }
  return dot < host.size() ? host.substr(dot + 1) : host;
}

// The registered domain: the last two labels, or three if those look like "co.uk" and "com.au".
std::string_view domain_of(std::string_view host) {
  constexpr std::array<std::string_view, 12> shared{"co", "com", "net", "org", "edu", "gov",
                                                    "ac", "or",  "ne",  "go",  "gob", "mil"};
  const std::string_view two = last_labels(host, 2);
  const auto dot = two.find('.');
  const bool below_country = dot != std::string_view::npos && two.size() == dot + 3 &&
                             std::ranges::find(shared, two.substr(0, dot)) != shared.end();
  return below_country ? last_labels(host, 3) : two;
}

}  // namespace

bool are_related(const std::string& a, const std::string& b) {
  return a == b || (!is_address(a) && !is_address(b) && domain_of(a) == domain_of(b));
}

TokenAnswer parse_token_answer(std::string_view body) {
  const auto answer = parse_json(body).value_or(nlohmann::json());
  for (const char* name : {"token", "access_token"}) {
    const std::string_view token = text_at(answer, {name});
    if (!token.empty()) {
      return is_one_word(token) ? TokenAnswer{std::string(token), {}}
                                : TokenAnswer{{}, "answered with an invalid token"};
    }
  }
  return {{}, "answered no token"};
}

}  // namespace regsync
