#include "sync/model/kubelet_keyring.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "helper/base/error.hpp"
#include "helper/base/go_json.hpp"
#include "helper/base/guarded.hpp"
#include "helper/base/text.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/json_access.hpp"

namespace regsync {
namespace {

using nlohmann::json;

Error refused(const std::string& why) {
  return {ErrorCode::unusable_login, "kubelet refuses the whole Secret: " + why,
          "write it again: regsync sync (with --adopt if it is not regsync's)"};
}

// config.go, DockerConfigEntry.UnmarshalJSON and decodeDockerConfigFieldAuth.
void take_auth(std::string_view auth, KubeletEntry& entry) {
  std::string padded = base64_padded(auth);
  const WipedAtEnd wiped_auth(padded);
  std::optional<std::string> decoded = base64_decode(padded);
  const auto colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos) {
    throw refused("\"auth\" of " + entry.key + " is not base64 of USER:PASSWORD");
  }
  const WipedAtEnd wiped_text(*decoded);
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

// In Go, null leaves a field unchanged, so empty. Valid as long as `entry`.
std::string_view text_of(const json& entry, const char* name, const std::string& key) {
  const json* value = find_as_go(entry, name);
  if (value == nullptr || value->is_null()) {
    return {};
  }
  if (!value->is_string()) {
    throw refused("\"" + std::string(name) + "\" of " + key + " is not text");
  }
  return value->get_ref<const std::string&>();
}

KubeletEntry read_entry(const std::string& key, const json& value) {
  if (!value.is_object() && !value.is_null()) {
    throw refused("the entry of " + key + " is not an object");
  }
  KubeletEntry entry{{},
                     key,
                     index_of(key),
                     std::string(text_of(value, "username", key)),
                     SecretString(text_of(value, "password", key)),
                     std::string(text_of(value, "email", key))};
  if (const std::string_view auth = text_of(value, "auth", key); !auth.empty()) {
    take_auth(auth, entry);
  }
  return entry;
}

struct Place {
  std::string_view host;
  std::string_view port;
  std::string_view path;
};

// keyring.go, SplitURL: host and port as in Go's net.SplitHostPort, which refuses brackets in a host and a second
// colon. Text that it refuses is a host without a port.
Place place_of(std::string_view text) {
  const auto slash = std::min(text.find('/'), text.size());
  const std::string_view authority = text.substr(0, slash);
  const std::string_view path = text.substr(slash);
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos) {
    return {authority, {}, path};
  }
  std::string_view host = authority.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return {authority, {}, path};
  }
  if (host.find_first_of("[]") != std::string_view::npos) {
    return {authority, {}, path};
  }
  return {host, authority.substr(colon), path};
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

std::vector<KubeletEntry> read_for_kubelet(std::string_view payload, PullSecretFormat format) {
  const std::optional<json> document = parse_json(payload);
  if (!document) {
    throw refused("it is not JSON");
  }
  std::vector<KubeletEntry> entries;
  const json* auths = &*document;
  if (format == PullSecretFormat::dockerconfigjson && !document->is_null()) {
    if (!document->is_object()) {
      throw refused("it is not an object");
    }
    auths = find_as_go(*document, "auths");
  }
  if (auths == nullptr || auths->is_null()) {
    return entries;
  }
  if (!auths->is_object()) {
    throw refused("\"auths\" is not an object");
  }
  for (const auto& [key, value] : auths->items()) {
    entries.push_back(read_entry(key, value));
  }
  return entries;
}

std::vector<KubeletEntry> read_each_for_kubelet(std::string_view payload) {
  std::vector<KubeletEntry> entries;
  const json document = parse_json(payload).value_or(json());
  const json* auths = find_as_go(document, "auths");
  if (auths == nullptr || !auths->is_object()) {
    return entries;
  }
  for (const auto& [key, value] : auths->items()) {
    // A refused entry is omitted.
    static_cast<void>(guarded([&, &key = key, &value = value] { entries.push_back(read_entry(key, value)); }));
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
  // Label by label: for hosts, "." takes the role of "/" in FNM_PATHNAME.
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
  // Longest path first: keys in reverse lexical order.
  std::ranges::stable_sort(found, std::ranges::greater(), &KubeletEntry::index);
  return found;
}

bool is_hub_alias(std::string_view host) {
  return RegistryKey(host).is_hub() && host != "docker.io" && host != "index.docker.io";
}

std::string near_miss(const KubeletEntry& entry, std::string_view image) {
  const Place is = place_of(entry.index);
  const Place wanted = place_of(image);
  const std::string image_host(image.substr(0, image.find('/')));
  if (RegistryKey(entry.key).host() == RegistryKey(image_host).host() && RegistryKey(image_host).is_hub()) {
    return is_hub_alias(image_host)
               ? "is of Docker Hub, which kubelet knows as docker.io alone, and not as " + image_host
               : "is not how kubelet knows Docker Hub: that is https://index.docker.io/v1/";
  }
  if (to_lower(is.host) != to_lower(wanted.host)) {
    const bool same_shape = ::fnmatch(std::string(is.host).c_str(), std::string(wanted.host).c_str(), 0) == 0;
    return same_shape ? "has another number of labels than " + std::string(wanted.host) : "";
  }
  if (is.host != wanted.host) {
    return "is spelled in other letters than " + std::string(wanted.host);
  }
  if (is.port != wanted.port) {
    return is.port.empty() ? "names no port" : "is for port " + std::string(is.port.substr(1));
  }
  return "is for the path " + std::string(is.path);
}

}  // namespace regsync
