#include "sync/model/docker_config_json.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <nlohmann/json.hpp>

#include "helper/base/text.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/base64.hpp"
#include "sync/model/kubelet_keyring.hpp"

namespace regsync {

namespace {

// "[::1]:5000". Without a port, kubelet reads the brackets as a pattern (pkg/credentialprovider/keyring.go).
bool is_ipv6_with_port(std::string_view host) {
  const auto end = host.find("]:");
  return host.starts_with('[') && end != std::string_view::npos &&
         host.substr(1, end - 1).find_first_not_of("0123456789abcdef:.") == std::string_view::npos &&
         host.substr(end + 2).find_first_not_of("0123456789") == std::string_view::npos && end + 2 < host.size();
}

struct Escape {
  std::string_view text;
  std::string_view escaped;
};
// Go's encoding/json escapes these inside strings so that JSON can be embedded in HTML; so does kubectl's output.
constexpr std::array<Escape, 5> go_escapes{
    {{"&", "\\u0026"}, {"<", "\\u003c"}, {">", "\\u003e"}, {"\u2028", "\\u2028"}, {"\u2029", "\\u2029"}}};

std::string as_go_writes_it(std::string_view json) {
  std::string written;
  written.reserve(json.size());
  while (!json.empty()) {
    const auto* escape =
        std::ranges::find_if(go_escapes, [&](const Escape& one) { return json.starts_with(one.text); });
    const bool is_escaped = escape != go_escapes.end();
    const std::size_t size = is_escaped ? escape->text.size() : 1;
    written += is_escaped ? escape->escaped : json.substr(0, 1);
    json.remove_prefix(size);
  }
  return written;
}

std::string to_json_text(const PullEntries& entries) {
  auto auths = nlohmann::ordered_json::object();
  for (const auto& [key, entry] : entries) {
    nlohmann::ordered_json out;
    out["username"] = entry.username;
    out["password"] = entry.password.reveal();
    if (!entry.email.empty()) {
      out["email"] = entry.email;
    }
    out["auth"] = auth_of(entry.username, entry.password).reveal();
    auths[key] = std::move(out);
  }
  nlohmann::ordered_json document;
  document["auths"] = std::move(auths);
  return as_go_writes_it(document.dump());
}

// Whether kubelet finds the entry for images of the registry that it names.
bool serves(const KubeletEntry& entry, const std::string& key) {
  return RegistryKey(key).is_hub() ? entry.index == "index.docker.io" || entry_matches(entry.index, "docker.io/")
                                   : entry_matches(entry.index, key + "/");
}

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

}  // namespace

SecretString auth_of(std::string_view username, const SecretString& password) {
  std::string pair = std::string(username) + ":";
  const WipedAtEnd wiped_pair(pair);
  pair += password.reveal();
  std::string auth = base64_encode(pair);
  const WipedAtEnd wiped_auth(auth);
  return SecretString(auth);
}

std::optional<Error> unfit_for_kubelet(const Credential& credential, const LoginKeeper& keeper) {
  const auto& [login, secret] = credential;
  const auto unfit = [&login](const std::string& why, const std::string& remedy) {
    return Error(ErrorCode::unusable_login, "the login for " + login.server + " cannot be used by kubelet: " + why,
                 remedy);
  };
  const std::string again =
      how_to_renew(RegistryKey(login.server), keeper) + " (with a user name and a password or access token)";
  if (is_hub_token_entry(login.server)) {
    return unfit("it is a token entry of Docker's device login, not a pull credential", again);
  }
  if (login.username == "<token>") {
    return unfit("it is an identity token, which kubelet ignores", again);
  }
  if (login.username.empty() || secret.empty()) {
    return unfit("its user name or password is empty", again);
  }
  if (login.username.find(':') != std::string::npos) {
    return unfit("its user name holds a \":\", where kubelet ends the user name", again);
  }
  if (!is_utf8(login.server) || !is_utf8(login.username) || !is_utf8(secret.reveal())) {
    return unfit("it is not UTF-8, which JSON must be", again);
  }
  if (login.username.size() + secret.reveal().size() > max_login_bytes) {
    return unfit("its user name and secret are larger than 512 KiB, and no Secret can hold that", again);
  }
  // Newlines in a password are allowed (a Google JSON key): kubelet sends it in base64.
  const std::string host(RegistryKey(login.server).host());
  const bool plain = host.find_first_of("*?[] ") == std::string::npos || is_ipv6_with_port(host);
  if (has_control_characters(login.server) || !plain) {
    return unfit("its registry is not a plain host", "log out of it, and log in to the registry's host");
  }
  return std::nullopt;
}

Payload::Payload(const PullEntries& entries)
    : base64_(base64_encode(to_json_text(entries))), digest_(digest_of(base64_.reveal())), id_(next_id()) {}

PullEntries parse_docker_config_json(std::string_view json) {
  PullEntries entries;
  for (KubeletEntry& read : read_each_for_kubelet(json)) {
    const std::string key = auths_key_of(read.key);
    // Of several spellings of one registry, the one that equals its key wins.
    const bool counts = read.key == key || !entries.contains(key);
    Credential credential{{read.key, std::move(read.username)}, std::move(read.password)};
    if (counts && serves(read, key) && !unfit_for_kubelet(credential)) {
      entries[key] = {std::move(credential.login.username), std::move(credential.secret), std::move(read.email)};
    }
  }
  return entries;
}

}  // namespace regsync
