#include "helper/protocol/helper_protocol.hpp"

#include <algorithm>
#include <istream>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/go_json.hpp"
#include "helper/base/text.hpp"

namespace regsync {
namespace {

using nlohmann::json;

// docker-credential-helpers, credentials/error.go: clients compare these after trimming.
constexpr std::string_view not_found = "credentials not found in native keychain";
constexpr std::string_view no_server = "no credentials server URL";
constexpr std::string_view no_username = "no credentials username";

constexpr std::string_view usage =
    "Usage: docker-credential-regsync <store|get|erase|list|version>\n"
    "\n"
    "Keeps registry logins in the keyring (Secret Service) for docker, podman, skopeo, helm and others.\n"
    "Clients call it; `regsync setup` makes docker do so.\n";

// An error answer for bad input, not for a failure of the store.
Error refusal(std::string_view text) { return {ErrorCode::invalid_input, std::string(text)}; }

SecretString read_input(std::istream& in) {
  // Nearly every input fits the first buffer; a larger one gets a buffer of the maximum size, so that only one copy is
  // made.
  constexpr std::size_t usual = std::size_t{16} << 10U;
  auto buffer = std::make_unique_for_overwrite<char[]>(usual);
  in.read(buffer.get(), usual);
  auto size = static_cast<std::size_t>(in.gcount());
  if (size == usual) {
    auto larger = std::make_unique_for_overwrite<char[]>(max_helper_input + 1);
    std::copy_n(buffer.get(), usual, larger.get());
    wipe_memory(buffer.get(), usual);
    in.read(larger.get() + usual, static_cast<std::streamsize>(max_helper_input + 1 - usual));
    size += static_cast<std::size_t>(in.gcount());
    buffer = std::move(larger);
  }
  SecretString input(std::string_view(buffer.get(), size));
  wipe_memory(buffer.get(), size);
  if (size > max_helper_input) {
    throw refusal("the input is larger than 1 MiB");
  }
  return input;
}

std::string read_server(std::istream& in) {
  const SecretString input = read_input(in);
  std::string server(trim(input.reveal()));
  if (server.empty()) {
    throw refusal(no_server);
  }
  require_server(server);
  return server;
}

// Reads as the reference does, in Go: ignores the case of the name, and null means absent.
std::string take_text(json& document, const char* name) {
  json* member = find_as_go(document, name);
  if (member == nullptr || member->is_null()) {
    return {};
  }
  if (!member->is_string()) {
    throw refusal(std::string(name) + " is not a string");
  }
  return std::move(member->get_ref<std::string&>());
}

Credential read_credential(std::istream& in) {
  const SecretString input = read_input(in);
  json document;
  try {
    document = json::parse(input.reveal());
  } catch (const json::parse_error& error) {
    // Leave out what(): it quotes the input, which may be secret.
    throw refusal("the input is not the JSON of a credential (error at byte " + std::to_string(error.byte) + ")");
  } catch (const json::out_of_range&) {
    throw refusal("the input is not the JSON of a credential (a number is too large)");
  }
  if (!document.is_object()) {
    throw refusal("the input is not the JSON of a credential (no object)");
  }
  // Trim the server as `get` will.
  Credential credential{{std::string(trim(take_text(document, "ServerURL"))), take_text(document, "Username")}, {}};
  std::string secret = take_text(document, "Secret");
  credential.secret = SecretString(secret);
  wipe_memory(secret.data(), secret.size());
  if (credential.login.server.empty()) {
    throw refusal(no_server);
  }
  if (credential.login.username.empty()) {
    throw refusal(no_username);
  }
  require_storable(credential);
  return credential;
}

void get(const std::string& server, std::ostream& out, CredentialStore& store) {
  const auto credential = store.get(server);
  if (!credential) {
    throw Error(ErrorCode::not_found, std::string(not_found));
  }
  const nlohmann::ordered_json answer{
      {"ServerURL", server}, {"Username", credential->login.username}, {"Secret", credential->secret.reveal()}};
  try {
    out << answer.dump() << '\n';
  } catch (const nlohmann::ordered_json::type_error&) {
    throw Error(ErrorCode::unusable_login, "the secret kept for " + server + " is not UTF-8 text",
                "log in again with `docker login`");
  }
}

void list(std::ostream& out, CredentialStore& store) {
  json answer = json::object();
  for (const Login& login : store.list()) {
    answer[login.server] = login.username;
  }
  out << answer.dump() << '\n';
}

void run(std::string_view action, std::istream& in, std::ostream& out, CredentialStore& store) {
  if (action == "get") {
    get(read_server(in), out, store);
  } else if (action == "store") {
    store.store(read_credential(in));
  } else if (action == "erase") {
    store.erase(read_server(in));
  } else if (action == "list") {
    list(out, store);
  } else if (action == "version" || action == "--version" || action == "-v") {
    out << "docker-credential-regsync " REGSYNC_VERSION "\n";
  } else if (action == "--help" || action == "-h") {
    out << usage;
  } else {
    throw refusal("unknown action \"" + std::string(action) + "\"\n" + std::string(usage));
  }
}

}  // namespace

int run_helper(std::string_view action, std::istream& in, std::ostream& out, CredentialStore& store) {
  try {
    run(action, in, out, store);
    out.flush();
    return out ? 0 : 1;
  } catch (...) {
    out << describe(current_error()) << '\n';
    out.flush();
    return 1;
  }
}

}  // namespace regsync
