// Decides who may read the page's data on a desktop, where every program of every user reaches loopback: whoever
// exchanged a token that `regsync dashboard` was given.
//
// The token is part of a URL, which other users see among the arguments of a browser: it counts once, for a minute, and
// for programs of this user only. What it is exchanged for stays in the memory of the page. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace regsync {

class DashboardAccess {
 public:
  using Clock = std::chrono::steady_clock;

  // Throws Error(internal) where the system has no random bytes.
  std::string make_token(Clock::time_point now);
  // The key of a session; nothing where the token is unknown, too old or was used.
  std::optional<std::string> exchange(std::string_view token, Clock::time_point now);
  [[nodiscard]] bool allows(std::string_view key) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Clock::time_point, std::less<>> tokens_;  // until when each counts
  std::set<std::string, std::less<>> keys_;
};

}  // namespace regsync
