// DeniedLogins remembers across restarts which logins their registries denied, so that a denied login is neither spread
// nor tried again at each start of the daemon, which could lock an account.
//
// A login is recognized by where it is kept and when it was changed there. The file contains nothing derived from the
// secret, not even a digest: with one, a reader of the file could find a weak password. One thread; owned by the
// LoginHealth.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync {

// What distinguishes a login from its predecessor, according to its keeper.
struct LoginMark {
  std::string collection;                 // see StoreCollection
  std::chrono::sys_seconds changed = {};  // 0: unknown, and the login is not recognized

  bool operator==(const LoginMark&) const = default;
};

using LoginMarks = std::map<RegistryKey, LoginMark>;

class DeniedLogins {
 public:
  using Time = std::chrono::sys_seconds;

  struct Denial {
    LoginMark mark;
    Time tried;
    std::string said;  // the registry's message; presentable
  };

  // Reads the denials from `file`; problem() reports a file that cannot be read or written. Empty: no file.
  explicit DeniedLogins(std::filesystem::path file);

  // The denial of this login; null if none is known.
  [[nodiscard]] const Denial* find(const RegistryKey& registry, const LoginMark& mark) const;

  // Replaces an earlier denial. A login without a mark is forgotten.
  void add(const RegistryKey& registry, Denial denial);
  // The registry accepted a login.
  void drop(const RegistryKey& registry);

  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

 private:
  void read();
  void write();

  const std::filesystem::path file_;
  std::map<RegistryKey, Denial> denials_;
  std::optional<Error> problem_;
};

}  // namespace regsync
