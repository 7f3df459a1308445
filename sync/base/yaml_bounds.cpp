#include "sync/base/yaml_bounds.hpp"

#include <algorithm>
#include <string>

#include "helper/base/error.hpp"

namespace regsync {

void require_yaml_within(std::string_view text, std::size_t most) {
  constexpr std::string_view begins_a_value = "\n\r,:[{?-&*!";
  const auto values = static_cast<std::size_t>(
      std::ranges::count_if(text, [&](char c) { return begins_a_value.find(c) != std::string_view::npos; }));
  if (values > most) {
    throw Error(ErrorCode::invalid_input, "the YAML has more than " + std::to_string(most) + " lines and values",
                "check that this is the right file");
  }
}

}  // namespace regsync
