#include "sync/cli/view/target_view.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "sync/base/paths.hpp"
#include "sync/base/suggest.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/kube/config/yaml_json.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync::cli {

nlohmann::json to_json(const Target& target) {
  nlohmann::json json = kube::yaml_to_json(to_yaml(target), kube::Scalars::as_text);
  for (const char* flag : {"pin", "paused", "verifyLogins"}) {
    if (const auto found = json.find(flag); found != json.end()) {
      *found = *found == "true";
    }
  }
  json["name"] = target.name;
  return json;
}

std::vector<std::string> dropped_fields(const Target& before, const Target& after) {
  const nlohmann::json had = to_json(before);
  const nlohmann::json kept = to_json(after);
  std::vector<std::string> dropped;
  for (const auto& [field, value] : had.items()) {
    if (!value.is_object()) {
      if (!kept.contains(field)) {
        dropped.push_back(field);
      }
      continue;
    }
    const nlohmann::json entries = kept.value(field, nlohmann::json::object());
    for (const auto& [key, entry] : value.items()) {
      if (!entries.contains(key)) {
        dropped.push_back(field + "." + key);
      }
    }
  }
  return dropped;
}

std::string contexts_text(const Target& target) {
  std::vector<std::string> parts = target.contexts;
  if (!target.context_selector.empty()) {
    parts.push_back("(" + target.context_selector.text() + ")");
  }
  return join(parts, ",");
}

std::string namespaces_text(const Target& target) {
  std::vector<std::string> parts = target.namespaces;
  if (!target.namespace_selector.empty()) {
    parts.push_back("(" + target.namespace_selector.text() + ")");
  }
  if (parts.empty()) {
    parts.emplace_back("<context's own>");
  }
  for (const std::string& glob : target.exclude_namespaces) {
    parts.push_back("!" + glob);
  }
  return join(parts, ",");
}

std::string namespaces_text(const std::vector<std::string>& named, std::size_t count) {
  const std::size_t more = count - std::min(count, named.size());
  return join(std::set(named.begin(), named.end()), ",") + (more == 0 ? "" : " and " + std::to_string(more) + " more");
}

void print_target(std::ostream& out, const Target& target, const Format& format) {
  if (format == Format::name) {
    out << target.name << '\n';
  } else {
    print_structured(out, make_list("TargetList", nlohmann::json::array({to_json(target)})), format);
  }
}

std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const auto& [name, file] : TargetDirectory(paths::targets()).load()) {
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> targets_that_use(const RegistryKey& key) {
  std::vector<std::string> names;
  for (const auto& [name, file] : TargetDirectory(paths::targets()).load()) {
    if (file.target && wanted_registries(*file.target).contains(key)) {
      names.push_back(name);
    }
  }
  return names;
}

namespace {

// kubectl's "get targets", "get target web" and "get target/web".
std::string nearest_target(const std::string& name, const std::vector<std::string>& names) {
  if (name == "target" || name == "targets") {
    return "leave \"" + name + "\" out: every name here is that of a target";
  }
  return did_you_mean(name.substr(name.find('/') + 1), names);
}

Target target_of(const TargetFiles& files, const std::string& name) {
  const auto found = files.find(name);
  if (found == files.end()) {
    std::vector<std::string> names;
    for (const auto& [other, file] : files) {
      names.push_back(other);
    }
    throw Error(ErrorCode::not_found, "target \"" + name + "\" not found",
                names.empty() ? "declare it: regsync add " + name : nearest_target(name, names));
  }
  if (found->second.problem) {
    throw Error(*found->second.problem);
  }
  if (!found->second.target) {
    throw Error(ErrorCode::internal, "target \"" + name + "\" has neither content nor problem");
  }
  return *found->second.target;
}

}  // namespace

Target require_target(const std::string& name) { return target_of(TargetDirectory(paths::targets()).load(), name); }

AskedTargets declared_targets(Console& console) {
  AskedTargets asked{.targets = {}, .files = TargetDirectory(paths::targets()).load()};
  for (const auto& [file_name, file] : asked.files) {
    if (file.problem) {
      print_error(console.err, *file.problem);
      asked.complete = false;
    } else if (file.target) {
      asked.targets.push_back(*file.target);
    }
  }
  return asked;
}

AskedTargets require_targets(const std::vector<std::string>& names, Console& console) {
  if (!names.empty()) {
    AskedTargets asked{.targets = {}, .files = TargetDirectory(paths::targets()).load()};
    for (const std::string& name : std::set(names.begin(), names.end())) {
      asked.targets.push_back(target_of(asked.files, name));
    }
    return asked;
  }
  AskedTargets asked = declared_targets(console);
  if (asked.targets.empty() && asked.complete) {
    throw Error(ErrorCode::not_found, "no targets are declared", "declare one: regsync add NAME --registry REGISTRY");
  }
  return asked;
}

}  // namespace regsync::cli
