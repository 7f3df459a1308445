// DashboardAccess decides who may read the page's data on a desktop, where every program of every user can reach
// loopback: only clients that exchanged a token from `regsync dashboard`.
//
// The token is part of a URL, which other users can see in a browser's arguments. Therefore it is valid once, for a
// minute, and only for programs of this user. The page keeps the session key in memory only. Thread-safe.
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

  // Throws Error(internal) if the system provides no random bytes.
  std::string make_token(Clock::time_point now);
  // Returns the key of a session; nullopt if the token is unknown, too old or already used.
  std::optional<std::string> exchange(std::string_view token, Clock::time_point now);
  [[nodiscard]] bool allows(std::string_view key) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Clock::time_point, std::less<>> tokens_;  // the expiry of each
  std::set<std::string, std::less<>> keys_;
};

}  // namespace regsync
