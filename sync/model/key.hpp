// Key names one Secret of one cluster: the unit of work. Value type.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>

namespace regsync {

// One Secret of one cluster.
struct Key {
  std::string name_space;
  std::string secret;

  auto operator<=>(const Key&) const = default;
};

// For display: "Secret team-a/myregcred".
inline std::string subject_of(const Key& key) { return "Secret " + key.name_space + "/" + key.secret; }

struct KeyHash {
  std::size_t operator()(const Key& key) const noexcept {
    return std::hash<std::string>()(key.name_space) * 31 + std::hash<std::string>()(key.secret);
  }
};

}  // namespace regsync
