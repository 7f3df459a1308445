#include "helper/store/credential_store.hpp"

#include <string>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"

namespace regsync {
namespace {

void require_text(std::string_view text, const std::string& what) {
  if (text.empty()) {
    throw Error(ErrorCode::invalid_input, "the " + what + " is empty");
  }
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::invalid_input, "the " + what + " contains a NUL byte, which a keyring cannot keep");
  }
  if (!is_utf8(text)) {
    throw Error(ErrorCode::invalid_input, "the " + what + " is not valid UTF-8");
  }
}

// sd-bus neither sends nor receives noncharacters in a string. (A secret is sent as bytes.)
void require_name(std::string_view text, const std::string& what) {
  require_text(text, what);
  while (!text.empty()) {
    const char32_t point = take_code_point(text).value_or(0);
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
