// Whether PEM can be used, asked before a connection is made with it: a file that is being replaced must not take
// the place of good material. Pure.
#pragma once

#include <string_view>

namespace regsync::kube {

// At least one certificate.
bool holds_certificate(std::string_view pem);

// The key is the one of the (first) certificate.
bool is_pair(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace regsync::kube
