// Remembers, over restarts, which logins their registries denied: a denied login is then neither spread nor tried again
// each time that the daemon starts, which could lock somebody out.
//
// A login is known again by where it is kept and when it was changed there. Nothing of its secret is in the file, not
// even a digest: from one, whoever reads the file could find a weak password. One thread; owned by the LoginHealth.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync {

// What tells a login from the one before it, as its keeper says.
struct LoginMark {
  std::string collection;                 // see StoreCollection
  std::chrono::sys_seconds changed = {};  // 0: not known, and the login is not known again

  bool operator==(const LoginMark&) const = default;
};

using LoginMarks = std::map<RegistryKey, LoginMark>;

class DeniedLogins {
 public:
  using Time = std::chrono::sys_seconds;

  struct Denial {
    LoginMark mark;
    Time tried;
    std::string said;  // by the registry; presentable
  };

  // Reads what is known from `file`; one that cannot be read or written is reported by problem(). Empty: no file.
  explicit DeniedLogins(std::filesystem::path file);

  // What is known of this login; null where it was not denied, as far as is known.
  [[nodiscard]] const Denial* find(const RegistryKey& registry, const LoginMark& mark) const;

  // In the place of the one before. A login without a mark is forgotten.
  void add(const RegistryKey& registry, Denial denial);
  // The registry took a login.
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
