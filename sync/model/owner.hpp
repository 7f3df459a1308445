// The owner of a Secret: the id of a regsync installation, and a name for people. It stands in every Secret that we
// write, so that two machines with the same target see each other instead of fighting. Value type.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace regsync {

struct Owner {
  std::string id;          // no space in it
  std::string annotation;  // "ID user@host"

  // "user@host"
  [[nodiscard]] std::string_view holder() const {
    const std::string_view text = annotation;
    return text.substr(std::min(text.size(), text.find(' ') + 1));
  }
};

}  // namespace regsync
