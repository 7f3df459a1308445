#include "helper/store/credential_store.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

// Takes the first character off the text: its code point, or nothing if it is not as RFC 3629 has it.
std::optional<std::uint32_t> take_utf8(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF8 ? 4 : 0;
  if (size == 0 || size > text.size()) {
    return std::nullopt;
  }
  std::uint32_t point = size == 1 ? lead : lead & (0x7FU >> size);
  for (const char byte : text.substr(1, size - 1)) {
    const auto next = static_cast<unsigned char>(byte);
    if ((next & 0xC0U) != 0x80) {
      return std::nullopt;
    }
    point = point << 6U | (next & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};  // less is overlong
  const bool surrogate = point >= 0xD800 && point < 0xE000;
  if (point < least.at(size) || surrogate || point > 0x10FFFF) {
    return std::nullopt;
  }
  text.remove_prefix(size);
  return point;
}

void require_text(std::string_view text, const std::string& what) {
  if (text.empty()) {
    throw Error(ErrorCode::invalid_input, "the " + what + " is empty");
  }
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::invalid_input, "the " + what + " contains a NUL byte, which a keyring cannot keep");
  }
  while (!text.empty()) {
    if (!take_utf8(text)) {
      throw Error(ErrorCode::invalid_input, "the " + what + " is not valid UTF-8");
    }
  }
}

// sd-bus neither sends nor receives noncharacters in a string. (A secret is bytes to it.)
void require_name(std::string_view text, const std::string& what) {
  require_text(text, what);
  while (!text.empty()) {
    const std::uint32_t point = take_utf8(text).value_or(0);
    if ((point & 0xFFFEU) == 0xFFFE || (point >= 0xFDD0 && point < 0xFDF0)) {
      throw Error(ErrorCode::invalid_input, "the " + what + " contains a Unicode noncharacter");
    }
  }
}

}  // namespace

void require_server(std::string_view server) { require_name(server, "server URL"); }

void require_storable(const Credential& credential) {
  require_server(credential.login.server);
  require_name(credential.login.username, "user name");
  require_text(credential.secret.reveal(), "secret (password or token)");
}

}  // namespace regsync
