// RFC 4648 base64, as Go's encoding/base64 reads and writes it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace regsync {

std::string base64_encode(std::string_view bytes);

// Padding is required, line breaks are skipped; nullopt for anything else.
std::optional<std::string> base64_decode(std::string_view text);

// The text with the padding that base64_decode requires, where it has none: kubelet takes either for a login.
std::string base64_padded(std::string_view text);

}  // namespace regsync
