// The name that identifies regsync's writes to API servers. A constant; any thread.
#pragma once

#include <string_view>

namespace regsync {

// The field manager of everything that regsync writes (kubernetes.io/docs/reference/using-api/server-side-apply).
inline constexpr std::string_view field_manager = "regsync";

}  // namespace regsync
