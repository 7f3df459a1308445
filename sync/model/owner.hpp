// Owner identifies a regsync installation: its id, and a name for display. It is in every Secret that we write, so that
// two machines with the same target recognize each other instead of fighting. Value type.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace regsync {

struct Owner {
  std::string id;          // without spaces
  std::string annotation;  // "ID user@host"

  // "user@host"
  [[nodiscard]] std::string_view holder() const {
    const std::string_view text = annotation;
    return text.substr(std::min(text.size(), text.find(' ') + 1));
  }
};

}  // namespace regsync
