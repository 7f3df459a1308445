#include "sync/model/target.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <optional>

#include "helper/base/error.hpp"
#include "helper/base/shell_word.hpp"
#include "helper/base/text.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/model/authority.hpp"
#include "sync/model/names.hpp"

namespace regsync {

namespace {

// More than the host, port and path of an image name can have (distribution/reference), plus an account.
constexpr std::size_t longest_registry = 1024;

[[noreturn]] void fail(const std::string& what, const std::string& remedy) {
  throw Error(ErrorCode::invalid_input, what, remedy);
}

// Throws if two logins would share one entry of the Secret.
void require_own_entries(const Target& target) {
  std::map<std::string, std::string> writers;  // registry by the key of its entry
  for (const auto& registry : target.registries) {
    const RegistryKey key(registry);
    const std::string entry = auths_key_of(registry);
    const auto [writer, is_first] = writers.try_emplace(entry, registry);
    if (!is_first && RegistryKey(writer->second) != key) {
      fail("target " + target.name + ": \"" + writer->second + "\" and \"" + registry + "\" would both be the entry " +
               entry,
           "name different paths, as ACCOUNT@" + std::string(key.host()) + "/TEAM, or use two targets");
    }
  }
}

// Validates the keys of a mapping, which are registries too.
template <typename Value>
void require_keys(const char* field, const std::string& target, const std::map<std::string, Value>& values) {
  for (const auto& [registry, value] : values) {
    try {
      require_registry(registry);
    } catch (const Error& error) {
      throw error.within(std::string("target ") + target + ": " + field);
    }
  }
}

// Maps web sites that people paste to the registry of their images. Empty for any other server.
std::string registry_of_site(const std::string& server, std::string_view path) {
  static const std::map<std::string, std::string> sites = {
      {"app.docker.com", "docker.io"},
      {"docker.com", "docker.io"},
      {"hub.docker.com", "docker.io"},
      {"www.docker.com", "docker.io"},
      {"github.com", "ghcr.io"},
      {"www.github.com", "ghcr.io"},
      {"gitlab.com", "registry.gitlab.com"},
      {"gallery.ecr.aws", "public.ecr.aws"},
      {"console.aws.amazon.com", "ACCOUNT.dkr.ecr.REGION.amazonaws.com"},
      {"console.cloud.google.com", "REGION-docker.pkg.dev"},
      {"portal.azure.com", "NAME.azurecr.io"},
  };
  if (server == "quay.io" && path.starts_with("/repository/")) {
    return server;
  }
  constexpr std::string_view regional = ".console.aws.amazon.com";
  const auto site = sites.find(server.ends_with(regional) ? std::string(regional.substr(1)) : server);
  return site == sites.end() ? std::string() : site->second;
}

// "https" in "https://ghcr.io", as written; empty if there is none.
std::string scheme_of(const std::string& registry) {
  const auto end = registry.find("://");
  return end == std::string::npos ? std::string() : registry.substr(0, end);
}

// Whether a Kubernetes name may match: the glob has only characters of names, and its brackets are closed.
bool is_name_glob(const std::string& text) {
  const auto open = text.rfind('[');
  return is_glob(text) && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.*?[]!^") == std::string::npos &&
         (open == std::string::npos || text.find(']', open + 2) != std::string::npos);
}

// Why a registry cannot have this scheme; empty if it can, or there is none.
std::string fault_of_scheme(const std::string& scheme) {
  if (scheme.empty() || scheme == "http" || scheme == "https") {
    return {};
  }
  return scheme == "oci" ? "is how helm names a chart, not a registry" : "is not the URL of a registry";
}

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Whether `text` is letters and digits, with one of these separators between them (distribution/reference, regexp.go).
bool is_joined(std::string_view text, bool (*is_separator)(std::string_view)) {
  if (text.empty() || !is_alnum(text.front()) || !is_alnum(text.back())) {
    return false;
  }
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    while (i < text.size() && !is_alnum(text[i])) {
      ++i;
    }
    if (i > begin && !is_separator(text.substr(begin, i - begin))) {
      return false;
    }
    i += i > begin ? 0 : 1;
  }
  return true;
}

bool is_dashes(std::string_view text) { return text.find_first_not_of('-') == std::string_view::npos; }

// Whether each part between the delimiters satisfies `is_good`.
bool all_parts(std::string_view text, char delimiter, bool (*is_good)(std::string_view)) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(delimiter, begin), text.size());
    if (!is_good(text.substr(begin, end - begin))) {
      return false;
    }
    begin = end + 1;
  }
  return true;
}

// Whether a host (and port) is valid at the start of an image name.
bool is_domain(std::string_view server) {
  return server.starts_with('[') || all_parts(server.substr(0, server.find(':')), '.',
                                              [](std::string_view part) { return is_joined(part, is_dashes); });
}

bool is_repository(std::string_view path) {
  return all_parts(path, '/', [](std::string_view part) {
    return is_joined(
        part, [](std::string_view text) { return is_dashes(text) || text == "." || text == "_" || text == "__"; });
  });
}

struct Fault {
  std::string why;
  std::string remedy;
};

// Why an image name cannot start with this registry and path, by distribution/reference; nothing if it can.
std::optional<Fault> fault_of_place(std::string_view server, std::string_view path) {
  if (server.find_first_of(".:") == std::string_view::npos && to_lower(server) != "localhost") {
    return Fault{"is no registry for images: a name without a dot and a port is a repository of Docker Hub",
                 "write host or host:port, as ghcr.io; Docker Hub is docker.io"};
  }
  if (server.ends_with('.') || server.find(".:") != std::string_view::npos) {
    std::string host(server);
    host.erase(host.rfind('.'), 1);
    return Fault{"ends with a dot, as no image's registry does", "write it without: " + host + std::string(path)};
  }
  if (to_lower(path) != path) {
    return Fault{"has a path that no image has",
                 "names of images are in lower case: " + std::string(server) + to_lower(path)};
  }
  if (!is_domain(server)) {
    return Fault{"has a host that no image has",
                 R"(a host has letters, digits and "-", with single dots between them)"};
  }
  const auto last = path.find_last_not_of('/');
  if (last != std::string_view::npos && !is_repository(path.substr(1, last))) {
    return Fault{"has a path that no image has", R"(a path has letters and digits, with ".", "_" or "-" between them)"};
  }
  return std::nullopt;
}

}  // namespace

bool glob_match(const std::string& pattern, const std::string& text) {
  // A context name may have characters that are special to fnmatch: OpenShift's default/HOST:6443/DOMAIN\user.
  return pattern == text || fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool is_glob(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

bool matches_any(const std::vector<std::string>& patterns, const std::string& text) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return glob_match(pattern, text); });
}

bool selects_context(const Target& target, const std::string& context, const Labels& labels) {
  return matches_any(target.contexts, context) ||
         (!target.context_selector.empty() && target.context_selector.matches(labels));
}

bool pins(const Target& target, const std::string& context) {
  return target.pin && std::ranges::find(target.contexts, context) != target.contexts.end();
}

void require_registry(const std::string& registry) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::string scheme = scheme_of(registry);
  const std::string_view rest = std::string_view(registry).substr(scheme.empty() ? 0 : scheme.size() + 3);
  std::string_view server = rest.substr(0, rest.find('/'));
  const std::string_view path = rest.substr(server.size());
  const auto at = server.rfind('@');
  const std::string_view account = server.substr(0, at == std::string_view::npos ? 0 : at);
  server.remove_prefix(at == std::string_view::npos ? 0 : at + 1);
  const std::string place = std::string(server) + std::string(path);

  const bool has_password = account.find(':') != std::string_view::npos;
  const auto refuse = [&](const std::string& why, const std::string& remedy) {
    fail(in_quotes(has_password ? "USER:PASSWORD@" + place : registry) + " " + why, remedy);
  };
  if (!registry.empty() && (blanks.find(registry.front()) != std::string_view::npos ||
                            blanks.find(registry.back()) != std::string_view::npos)) {
    refuse("begins or ends with a space", "remove the space");
  }
  if (registry.find_first_of(", \t\n") != std::string::npos) {
    refuse("is not one registry", "name each by itself: --registry A --registry B, or registries: [A, B]");
  }
  if (registry.size() > longest_registry) {
    refuse("is too long for a registry", "write host or host:port, as you do for `docker login`");
  }
  if (has_password) {
    refuse("holds a password", "log in first, then name the registry alone: docker login " + shell_word(place));
  }
  if (const std::string meant = registry_of_site(to_lower(server), path); !meant.empty()) {
    refuse("is a web site, not a registry", "its registry is " + meant);
  }
  if (const std::string why = fault_of_scheme(to_lower(scheme)); !why.empty()) {
    const auto tag = rest.find_first_of(":@", std::min(rest.find('/'), rest.size()));
    refuse(why, "write it without " + scheme + "://: " + std::string(rest.substr(0, tag)));
  }
  if (const std::string bracketed = "[" + std::string(server) + "]"; parse_authority(bracketed)) {
    refuse("is an IPv6 address without brackets", "write it in brackets: " + bracketed + std::string(path));
  }
  const auto colon = server.rfind(':');
  const bool has_port = colon != std::string_view::npos;
  const bool is_number = has_port && server.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  const bool is_host = has_port && server.substr(0, colon).find('.') != std::string_view::npos;
  if (path.empty() && is_host && is_number && !parse_authority(server)) {
    refuse("has a port that does not exist", "ports are 1 to 65535");
  }
  const bool port_is_tag = path.empty() && has_port && !parse_authority(server);
  const bool on_hub = scheme.empty() && !path.empty() && !server.empty() && server != "localhost" &&
                      server.find_first_of(".:") == std::string_view::npos;
  if (path.find('@') != std::string_view::npos || path.find(':') != std::string_view::npos || port_is_tag || on_hub) {
    const std::string host = port_is_tag || on_hub ? "docker.io" : std::string(server);
    refuse("is an image, not a registry", "write the registry that it is pulled from: " + host);
  }
  if (!parse_authority(server) || registry.find_first_of("*?") != std::string::npos ||
      path.find("//") != std::string_view::npos) {
    refuse("is not a registry", "write host or host:port, as you do for `docker login`");
  }
  if (const auto fault = fault_of_place(server, path)) {
    refuse(fault->why, fault->remedy);
  }
  if (at != std::string_view::npos && !is_account_name(account)) {
    refuse("names no account before \"@\"",
           "write the name that you gave to regsync login --account: ACCOUNT@" + std::string(server));
  }
}

void validate(const Target& target) {
  if (!is_label_name(target.name)) {
    fail("target name " + in_quotes(target.name) + " is not usable",
         "use up to 63 lower-case letters, digits and \"-\", starting and ending with a letter or digit");
  }
  if (!is_object_name(target.secret)) {
    fail("target " + target.name + ": secret name " + in_quotes(target.secret) + " is not one that Kubernetes takes",
         R"(use lower-case letters, digits, "-" and ".", starting and ending with a letter or digit)");
  }
  if (target.registries.empty()) {
    fail("target " + target.name + ": no registry", "name at least one, as in `registries: [ghcr.io]`");
  }
  for (const auto& registry : target.registries) {
    try {
      require_registry(registry);
    } catch (const Error& error) {
      throw error.within("target " + target.name);
    }
  }
  require_keys("refresh", target.name, target.refresh);
  require_keys("expires", target.name, target.expires);
  require_own_entries(target);
  if (target.contexts.empty() && target.context_selector.empty()) {
    fail("target " + target.name + ": no context", "name at least one, as in `contexts: [dev]`; globs are allowed");
  }
  for (const auto* namespaces : {&target.namespaces, &target.exclude_namespaces}) {
    for (const auto& name_space : *namespaces) {
      if (!is_name_glob(name_space) && !is_label_name(name_space)) {
        fail("target " + target.name + ": " + in_quotes(name_space) + " is not a namespace",
             name_space.find(',') == std::string::npos ? "use a namespace's name or a glob"
                                                       : "name each by itself: -n A -n B, or namespaces: [A, B]");
      }
    }
  }
  for (const auto& account : target.service_accounts) {
    if (!is_name_glob(account) && !is_object_name(account)) {
      fail("target " + target.name + ": " + in_quotes(account) + " is not a service account",
           "use a service account's name or a glob");
    }
  }
  if (has_control_characters(target.email)) {
    fail("target " + target.name + ": the email holds control characters", "remove them");
  }
  if (!is_utf8(target.email)) {
    fail("target " + target.name + ": the email is not UTF-8", "write it in UTF-8");
  }
}

}  // namespace regsync
