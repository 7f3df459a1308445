#include "sync/model/kubelet_keyring.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "helper/base/error.hpp"
#include "sync/base/base64.hpp"

namespace regsync {
namespace {

using nlohmann::json;

Error refused(const std::string& why) {
  return {ErrorCode::unusable_login, "kubelet refuses the whole Secret: " + why,
          "have it written anew: regsync sync (with --adopt if it is not regsync's)"};
}

// config.go, DockerConfigEntry.UnmarshalJSON and decodeDockerConfigFieldAuth.
void take_auth(const std::string& auth, KubeletEntry& entry) {
  std::string padded = auth;
  if (auth.find('=') == std::string::npos) {
    padded.append((4 - auth.size() % 4) % 4, '=');
  }
  const auto decoded = base64_decode(padded);
  const auto colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos) {
    throw refused("\"auth\" of " + entry.key + " is not base64 of USER:PASSWORD");
  }
  entry.username = decoded->substr(0, colon);
  entry.password = SecretString(std::string_view(*decoded).substr(colon + 1));
}

// keyring.go, BasicDockerKeyring.Add.
std::string index_of(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) {
      key.remove_prefix(scheme.size());
      break;
    }
  }
  const auto slash = std::min(key.find('/'), key.size());
  const std::string_view host = key.substr(0, slash);
  std::string_view path = key.substr(slash);
  if (path.starts_with("/v1/") || path.starts_with("/v2/")) {
    path.remove_prefix(3);
  }
  return std::string(host).append(path == "/" ? "" : path);
}

struct Place {
  std::string_view host;
  std::string_view port;
  std::string_view path;
};

Place place_of(std::string_view text) {
  const auto slash = std::min(text.find('/'), text.size());
  const std::string_view authority = text.substr(0, slash);
  const auto colon = std::min(authority.rfind(':'), authority.size());
  return {authority.substr(0, colon), authority.substr(colon), text.substr(slash)};
}

// keyring.go, isDefaultRegistryMatch.
bool is_hub_image(std::string_view image) {
  const auto slash = image.find('/');
  if (slash == std::string_view::npos) {
    return true;
  }
  const std::string_view host = image.substr(0, slash);
  return host == "docker.io" || host == "index.docker.io" || host.find_first_of(".:") == std::string_view::npos;
}

}  // namespace

std::vector<KubeletEntry> read_for_kubelet(std::string_view payload) {
  const json document = json::parse(payload, nullptr, false);
  if (!document.is_object()) {
    throw refused("it is not JSON");
  }
  std::vector<KubeletEntry> entries;
  if (!document.contains("auths")) {
    return entries;
  }
  if (!document["auths"].is_object()) {
    throw refused("\"auths\" is not an object");
  }
  for (const auto& [key, value] : document["auths"].items()) {
    if (!value.is_object()) {
      throw refused("the entry of " + key + " is not an object");
    }
    for (const char* field : {"username", "password", "auth"}) {
      if (value.contains(field) && !value[field].is_string()) {
        throw refused("\"" + std::string(field) + "\" of " + key + " is not text");
      }
    }
    KubeletEntry entry{key, index_of(key), value.value("username", std::string()),
                       SecretString(value.value("password", std::string()))};
    if (const std::string auth = value.value("auth", std::string()); !auth.empty()) {
      take_auth(auth, entry);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

bool entry_matches(std::string_view index, std::string_view image) {
  const Place glob = place_of(index);
  const Place target = place_of(image);
  if (glob.port != target.port || !target.path.starts_with(glob.path)) {
    return false;
  }
  if (std::ranges::count(glob.host, '.') != std::ranges::count(target.host, '.')) {
    return false;
  }
  // Label by label: in a host, FNM_PATHNAME's "/" is the ".".
  std::string pattern(glob.host);
  std::string text(target.host);
  std::ranges::replace(pattern, '.', '/');
  std::ranges::replace(text, '.', '/');
  return ::fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
}

std::vector<const KubeletEntry*> entries_for(const std::vector<KubeletEntry>& entries, std::string_view image) {
  std::vector<const KubeletEntry*> found;
  for (const KubeletEntry& entry : entries) {
    if (entry_matches(entry.index, image)) {
      found.push_back(&entry);
    }
  }
  if (found.empty() && is_hub_image(image)) {
    for (const KubeletEntry& entry : entries) {
      if (entry.index == "index.docker.io") {
        found.push_back(&entry);
      }
    }
  }
  // The longest path first: keys in reverse lexical order.
  std::ranges::stable_sort(found, std::ranges::greater(), &KubeletEntry::index);
  return found;
}

}  // namespace regsync
