// RFC 4648 base64, as Go's encoding/base64 reads and writes it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace regsync {

std::string base64_encode(std::string_view bytes);

// Padding is required and line breaks are skipped; nullopt if the text is not valid base64.
std::optional<std::string> base64_decode(std::string_view text);

// Adds the padding that base64_decode requires if it is missing: kubelet accepts logins with and without it.
std::string base64_padded(std::string_view text);

}  // namespace regsync
