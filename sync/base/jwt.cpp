#include "sync/base/jwt.hpp"

#include <algorithm>
#include <string>

#include "sync/base/base64.hpp"
#include "sync/base/json_access.hpp"

namespace regsync {

using nlohmann::json;

json jwt_claims(std::string_view token) {
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return nullptr;
  }
  std::string payload(token.substr(first + 1, second - first - 1));
  std::ranges::replace(payload, '-', '+');
  std::ranges::replace(payload, '_', '/');
  payload.append((4 - payload.size() % 4) % 4, '=');
  const auto text = base64_decode(payload);
  auto claims = text ? parse_json(*text) : std::nullopt;
  return claims && claims->is_object() ? *std::move(claims) : json();
}

std::optional<std::chrono::system_clock::time_point> jwt_expiry(std::string_view token) {
  json claims = jwt_claims(token);
  if (const std::string text(text_at(claims, {"exp"})); !text.empty()) {
    claims["exp"] = parse_json(text).value_or(nullptr);
  }
  return time_at(claims, {"exp"});
}

}  // namespace regsync
