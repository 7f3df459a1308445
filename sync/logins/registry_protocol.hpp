// Parses the answers of a registry and its token server while a login is tried (distribution, docs/spec/auth/token.md;
// RFC 9110, 11), and decides where a login may be sent. Pure; any thread. Total: the text is untrusted.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sync/kube/http/url.hpp"

namespace regsync {

// A WWW-Authenticate header: the scheme, in lower case, and its parameters. Of several challenges, the one that can be
// answered: the first bearer, which also works without a login; otherwise the first basic.
struct Challenge {
  std::string scheme;  // "" if there is none
  std::map<std::string, std::string> parameters;
};
Challenge parse_challenge(std::string_view header);

// The realm of a challenge, as libcurl reads it; nothing unless it is an http(s) URL of a plain server: no user
// information, blanks or control characters.
std::optional<kube::Url> parse_realm(std::string_view text);

// Whether a login may be sent to a token server that a registry names: over plain http only within this machine, so
// that a remote registry cannot have a password sent to whatever listens here.
bool may_carry_login(const kube::Url& token_server, std::string_view registry_host);

// The target of a registry's redirect for an image: an absolute path on itself, or a URL that parse_realm() and
// may_carry_login() accept; nothing for anything else.
std::optional<kube::Url> parse_location(std::string_view text, const kube::Url& registry);

// Whether two hosts are the same, or names of one domain (registry-1.docker.io, auth.docker.io): by their last two
// labels, or three where the last two look like a country's "co.uk" or "com.au". A guess, for a warning.
bool are_related(const std::string& a, const std::string& b);

// The answer of a token server: a token that fits into a header, or why there is none ("answered no token").
struct TokenAnswer {
  std::string token;
  std::string problem;
};
TokenAnswer parse_token_answer(std::string_view body);

}  // namespace regsync
