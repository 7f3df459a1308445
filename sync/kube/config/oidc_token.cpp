#include "sync/kube/config/oidc_token.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "sync/base/base64.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;

// The claims of the token; discarded where it is none.
json claims_of(std::string_view token) {
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    static const json discarded(json::value_t::discarded);
    return discarded;
  }
  std::string payload(token.substr(first + 1, second - first - 1));
  std::replace(payload.begin(), payload.end(), '-', '+');
  std::replace(payload.begin(), payload.end(), '_', '/');
  payload.resize((payload.size() + 3) / 4 * 4, '=');
  return json::parse(base64_decode(payload).value_or(""), nullptr, /*allow_exceptions=*/false);
}

}  // namespace

bool is_id_token(std::string_view token) { return claims_of(token).is_object(); }

std::optional<std::chrono::system_clock::time_point> expiry_of_id_token(std::string_view token) {
  using std::chrono::seconds;
  const json claims = claims_of(token);
  const auto expiry = claims.is_object() ? claims.find("exp") : claims.end();
  // Of what is no date of this century or the next, the arithmetic would overflow.
  constexpr double latest = 7'000'000'000.0;
  if (!claims.is_object() || expiry == claims.end() || !expiry->is_number()) {
    return std::nullopt;
  }
  const double since_epoch = std::clamp(expiry->get<double>(), 0.0, latest);
  return std::chrono::system_clock::time_point(seconds(static_cast<std::int64_t>(since_epoch)));
}

}  // namespace regsync::kube
