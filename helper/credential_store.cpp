#include "helper/credential_store.hpp"

#include <glib.h>

#include <string>

#include "helper/error.hpp"

namespace regsync {
namespace {

void require_text(std::string_view text, const std::string& what) {
  if (text.empty()) {
    throw Error(ErrorCode::invalid_input, "the " + what + " is empty");
  }
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::invalid_input, "the " + what + " contains a NUL byte, which a keyring cannot keep");
  }
  if (g_utf8_validate_len(text.data(), text.size(), nullptr) == FALSE) {
    throw Error(ErrorCode::invalid_input, "the " + what + " is not valid UTF-8");
  }
}

}  // namespace

void require_server(std::string_view server) { require_text(server, "server URL"); }

void require_storable(const Credential& credential) {
  require_server(credential.login.server);
  require_text(credential.login.username, "user name");
  require_text(credential.secret.reveal(), "secret (password or token)");
}

}  // namespace regsync
