#include "sync/logins/login_end.hpp"

#include <array>
#include <cstddef>
#include <string_view>

#include "helper/base/wall_time.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/jwt.hpp"
#include "sync/logins/credential_helpers.hpp"

namespace regsync {

LoginEnds ends_said(const std::map<std::string, std::chrono::sys_days>& settings, const TargetFiles& targets) {
  LoginEnds ends;
  const auto note = [&ends](const std::map<std::string, std::chrono::sys_days>& expires) {
    for (const auto& [registry, day] : expires) {
      ends[RegistryKey(registry)] = wall_time(day);
    }
  };
  note(settings);
  for (const auto& [name, file] : targets) {
    if (file.target) {
      note(file.target->expires);
    }
  }
  return ends;
}

namespace {

using Time = std::chrono::system_clock::time_point;

constexpr auto short_life = std::chrono::hours(24);

// An ECR password is base64 of JSON ({"payload", "datakey", "version", "type", "expiration"}).
std::optional<Time> ecr_expiry(std::string_view password) {
  constexpr std::size_t longest = std::size_t{64} << 10U;
  const auto text = password.size() <= longest ? base64_decode(password) : std::nullopt;
  const auto document = text && text->starts_with('{') ? parse_json(*text) : std::nullopt;
  return document ? time_at(*document, {"expiration"}) : std::nullopt;
}

// Whether the login is a token of the registry's cloud, and not a password that somebody chose.
bool is_cloud_token(const Login& login, const LoginOrigin& origin) {
  return !origin.helper.empty() || login.username == "AWS" || login.username == "oauth2accesstoken" ||
         login.username == acr_token_user;
}

}  // namespace

std::optional<LoginEnd> end_of(const Credential& login, const LoginEnds& said, const LoginOrigin& origin) {
  const RegistryKey registry(login.login.server);
  if (const auto found = said.find(registry); found != said.end()) {
    return LoginEnd{found->second};
  }
  auto end = jwt_expiry(login.secret.reveal());
  if (!end) {
    end = ecr_expiry(login.secret.reveal());
  }
  const auto lifetime = is_cloud_token(login.login, origin) ? known_lifetime(registry) : std::nullopt;
  const bool dated = origin.since != Time();
  if (!end && lifetime && dated) {
    end = origin.since + *lifetime;
  }
  if (!end) {
    return std::nullopt;
  }
  return LoginEnd{*end, lifetime || (dated && *end - origin.since <= short_life)};
}

std::optional<int> urgency(const LoginEnd& end, std::chrono::system_clock::time_point now) {
  const auto left = end.at - now;
  if (end.short_lived && left > std::chrono::system_clock::duration::zero()) {
    return std::nullopt;
  }
  for (const int days : std::array{0, 1, 3, 14}) {
    if (left <= std::chrono::days(days)) {
      return days;
    }
  }
  return std::nullopt;
}

}  // namespace regsync
