// Prints targets for people and for programs, and finds those that a command names.
#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "helper/store/registry_key.hpp"
#include "sync/cli/view/output.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

// The keys of the target file, and its name.
nlohmann::json to_json(const Target& target);

// The fields that a target's file has, and would not have as `after`: "paused", "expires.ghcr.io".
std::vector<std::string> dropped_fields(const Target& before, const Target& after);

// The contexts that a target selects: "dev,prod-*,(env in (prod))".
std::string contexts_text(const Target& target);
// The namespaces that a target selects: "default,team-*,(env in (prod)),!team-x".
std::string namespaces_text(const Target& target);
// "team-a,team-b and 40 more" of `count` namespaces, of which the first are named.
std::string namespaces_text(const std::vector<std::string>& named, std::size_t count);

// As its name, or as the list that `regsync get` prints.
void print_target(std::ostream& out, const Target& target, const Format& format);

// The names of all targets, sorted.
std::vector<std::string> target_names();

// The names of the targets that use a login, sorted.
std::vector<std::string> targets_that_use(const RegistryKey& key);

// The target of that name. Throws not_found, with what was probably meant, or the file's own problem.
Target require_target(const std::string& name);

struct AskedTargets {
  std::vector<Target> targets;
  bool complete = true;    // else files could not be used, and the person has been told
  TargetFiles files = {};  // of all targets
};

// Every target there is, if any.
AskedTargets declared_targets(Console& console);

// Those targets; without names every one there is. Throws not_found if there is none.
AskedTargets require_targets(const std::vector<std::string>& names, Console& console);

}  // namespace regsync::cli
