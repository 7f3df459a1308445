// Adds the missing right to a Forbidden error of the hub; `regsync rbac` does not print the rights for the hub.
#pragma once

#include <string>

#include "helper/base/error.hpp"

namespace regsync {

// right: such as "list and watch secrets". name_space: empty means all.
inline Error with_hub_right(const Error& why, const std::string& right, const std::string& name_space) {
  if (why.code() != ErrorCode::forbidden) {
    return why;
  }
  const std::string where = name_space.empty() ? "all namespaces" : "namespace " + name_space;
  return {why.code(), why.message(), "grant the right to " + right + " in " + where + " of the hub; see regsyncd(8)"};
}

}  // namespace regsync
