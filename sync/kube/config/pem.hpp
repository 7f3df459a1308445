// Checks PEM before a connection is made with it, so that a file that is just being replaced does not take the place of
// good material. Pure.
#pragma once

#include <string>
#include <string_view>

namespace regsync::kube {

// True if the key is the one of the (first) certificate.
bool is_pair(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace regsync::kube
