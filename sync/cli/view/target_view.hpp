// Prints targets for people and for programs, and finds the targets that a command names.
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

// Returns the keys of the target file, and the target's name.
nlohmann::json to_json(const Target& target);

// The fields that the file of `before` has and that of `after` lacks: "paused", "expires.ghcr.io".
std::vector<std::string> dropped_fields(const Target& before, const Target& after);

// The contexts that a target selects: "dev,prod-*,(env in (prod))".
std::string contexts_text(const Target& target);
// The namespaces that a target selects: "default,team-*,(env in (prod)),!team-x".
std::string namespaces_text(const Target& target);
// "team-a,team-b and 40 more": `named` are the first of `count` namespaces.
std::string namespaces_text(const std::vector<std::string>& named, std::size_t count);

// Prints its name, or the list that `regsync get` prints.
void print_target(std::ostream& out, const Target& target, const Format& format);

// The names of all targets, sorted.
std::vector<std::string> target_names();

// The names of the targets that use a login, sorted.
std::vector<std::string> targets_that_use(const RegistryKey& key);

// Returns the target of that name. Throws not_found, with a suggestion, or the problem of its file.
Target require_target(const std::string& name);

struct AskedTargets {
  std::vector<Target> targets;
  bool complete = true;    // otherwise some files were unusable, and a warning was printed
  TargetFiles files = {};  // of all targets
};

// Returns all targets; there may be none.
AskedTargets declared_targets(Console& console);

// Returns the named targets, or all if no name is given. Throws not_found if there is none.
AskedTargets require_targets(const std::vector<std::string>& names, Console& console);

}  // namespace regsync::cli
