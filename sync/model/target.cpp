#include "sync/model/target.hpp"

#include <fnmatch.h>

#include <algorithm>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/model/names.hpp"

namespace regsync {

namespace {

[[noreturn]] void fail(const std::string& what, const std::string& remedy) {
  throw Error(ErrorCode::invalid_input, what, remedy);
}

}  // namespace

bool glob_match(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool is_glob(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

bool matches_any(const std::vector<std::string>& patterns, const std::string& text) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return glob_match(pattern, text); });
}

bool selects_context(const Target& target, const std::string& context) { return matches_any(target.contexts, context); }

void validate(const Target& target) {
  if (!is_label_name(target.name)) {
    fail("target name \"" + target.name + "\" is not usable",
         "use up to 63 lower-case letters, digits and \"-\", starting and ending with a letter or digit");
  }
  if (!is_object_name(target.secret)) {
    fail("target " + target.name + ": secret name \"" + target.secret + "\" is not one that Kubernetes takes",
         R"(use lower-case letters, digits, "-" and ".", starting and ending with a letter or digit)");
  }
  if (target.registries.empty()) {
    fail("target " + target.name + ": no registry", "name at least one, as in `registries: [ghcr.io]`");
  }
  for (const auto& registry : target.registries) {
    if (RegistryKey(registry).value().empty() || is_glob(registry)) {
      fail("target " + target.name + ": \"" + registry + "\" is not a registry",
           "write host or host:port, as you do for `docker login`");
    }
  }
  if (target.contexts.empty()) {
    fail("target " + target.name + ": no context", "name at least one, as in `contexts: [dev]`; globs are allowed");
  }
  for (const auto& name_space : target.namespaces) {
    if (!is_glob(name_space) && !is_label_name(name_space)) {
      fail("target " + target.name + ": \"" + name_space + "\" is not a namespace", "use a namespace's name or a glob");
    }
  }
  for (const auto& account : target.service_accounts) {
    if (!is_object_name(account)) {
      fail("target " + target.name + ": \"" + account + "\" is not a service account", "use a service account's name");
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
