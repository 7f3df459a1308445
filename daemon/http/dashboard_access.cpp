#include "daemon/http/dashboard_access.hpp"

#include <sys/random.h>

#include <array>

#include "helper/base/error.hpp"

namespace regsync {

namespace {

constexpr auto token_lifetime = std::chrono::minutes(1);

std::string random_text() {
  std::array<unsigned char, 24> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error(ErrorCode::internal, "the system gives no random bytes");
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

}  // namespace

std::string DashboardAccess::make_token(Clock::time_point now) {
  std::string token = random_text();
  const std::scoped_lock lock(mutex_);
  std::erase_if(tokens_, [&](const auto& known) { return known.second <= now; });
  tokens_[token] = now + token_lifetime;
  return token;
}

std::optional<std::string> DashboardAccess::exchange(std::string_view token, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  const auto known = tokens_.find(token);
  if (known == tokens_.end()) {
    return std::nullopt;
  }
  const bool valid = now < known->second;
  tokens_.erase(known);
  return valid ? std::optional(*keys_.insert(random_text()).first) : std::nullopt;
}

bool DashboardAccess::allows(std::string_view key) const {
  const std::scoped_lock lock(mutex_);
  return keys_.contains(key);
}

}  // namespace regsync
