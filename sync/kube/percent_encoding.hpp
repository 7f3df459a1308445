// Percent-encoding (RFC 3986, 2.1). Pure.
#pragma once

#include <string>
#include <string_view>

namespace regsync::kube {

// ASCII letters, digits and the characters of `plain` stay; every other byte becomes %XX.
std::string percent_encoded(std::string_view text, std::string_view plain);

}  // namespace regsync::kube
