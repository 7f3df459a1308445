#include "sync/logins/login_end.hpp"

#include <array>

#include "sync/base/jwt.hpp"

namespace regsync {

LoginEnds ends_said(const std::map<std::string, std::chrono::sys_days>& settings, const TargetFiles& targets) {
  LoginEnds ends;
  const auto note = [&ends](const std::map<std::string, std::chrono::sys_days>& expires) {
    for (const auto& [registry, day] : expires) {
      ends[RegistryKey(registry)] = day;
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

std::optional<std::chrono::system_clock::time_point> end_of(const Credential& login, const LoginEnds& said) {
  const auto found = said.find(RegistryKey(login.login.server));
  return found != said.end() ? std::optional(found->second) : jwt_expiry(login.secret.reveal());
}

std::optional<int> urgency(std::chrono::system_clock::duration left) {
  for (const int days : std::array{0, 1, 3, 14}) {
    if (left <= std::chrono::days(days)) {
      return days;
    }
  }
  return std::nullopt;
}

}  // namespace regsync
