#include "sync/cli/ask/declaration.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "sync/base/paths.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/ask/rivals.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/control/requests.hpp"
#include "sync/model/names.hpp"

namespace regsync::cli {

std::string_view to_string(DeclareResult result) {
  switch (result) {
    case DeclareResult::added:
      return "added";
    case DeclareResult::replaced:
      return "replaced";
    case DeclareResult::unchanged:
      return "unchanged";
  }
  return "unchanged";
}

namespace {

std::optional<Target> declared_in(const TargetFiles& files, const std::string& name) {
  const auto file = files.find(name);
  if (file == files.end()) {
    return std::nullopt;
  }
  if (file->second.target && !file->second.problem) {
    return file->second.target;
  }
  Target unreadable;
  unreadable.name = name;
  return unreadable;
}

}  // namespace

std::optional<Target> declared(const std::string& name) {
  return declared_in(TargetDirectory(paths::targets()).load(), name);
}

DeclareResult result_of(const std::optional<Target>& before, const Target& target) {
  return !before ? DeclareResult::added : *before == target ? DeclareResult::unchanged : DeclareResult::replaced;
}

std::optional<std::string> declared_text(const std::string& name) {
  const TargetDirectory directory(paths::targets());
  return is_label_name(name) ? directory.read_if_exists(name) : std::nullopt;
}

void write_target(Console& console, const Target& target, const std::optional<std::string>& text,
                  const std::optional<std::string>& before) {
  TargetDirectory(paths::targets()).replace(target, text, before);
  try {
    if (const auto daemon = connect_if_running()) {
      daemon->call(control::methods::declare, control::to_json(control::DeclareRequest{.target = target.name}),
                   std::chrono::seconds(5));
    }
  } catch (const Error& error) {  // not fatal: regsyncd watches the folder
    tell(console.err, "warning: target " + target.name + " is written, but regsyncd, which has yet to read it, says: " +
                          printable_line(describe(error)) + '\n');
  }
}

namespace {

// Checks the context names, because a typo would delete the Secrets in the present contexts.
void check_contexts(Console& console, const std::optional<Target>& before, const Target& target,
                    const DeclareOptions& options) {
  std::vector<std::string> added = target.contexts;
  std::erase_if(added, [&](const std::string& context) {
    return before && std::ranges::find(before->contexts, context) != before->contexts.end();
  });
  try {
    if (!added.empty()) {
      require_contexts(options.kubeconfig.get(), added);
    }
  } catch (const Error& error) {
    if (options.only_known_contexts) {
      throw;
    }
    tell(console.err, "warning: target " + target.name + ": " + printable_line(describe(error)) + '\n');
  }
}

void check_rivals(const std::optional<Target>& before, const Target& target, TargetFiles files,
                  const DeclareOptions& options) {
  for (const Target& other : options.beside) {
    files[other.name].target = other;
  }
  if (has_namesake(target, files)) {
    refuse_new_rival(before, target, files, options.kubeconfig.get());
  }
}

}  // namespace

DeclareResult declare(Console& console, const Target& target, const DeclareOptions& options) {
  const std::optional<std::string> text_before = options.before ? options.before : declared_text(target.name);
  TargetFiles files = TargetDirectory(paths::targets()).load();
  const std::optional<Target> before = declared_in(files, target.name);
  const DeclareResult result = result_of(before, target);
  check_contexts(console, before, target, options);
  if (result != DeclareResult::unchanged) {
    check_rivals(before, target, std::move(files), options);
  }
  const bool replaces = result == DeclareResult::replaced && options.dry_run != DryRun::client;
  bool asks = false;
  if ((replaces && options.changes_clusters) || options.dry_run == DryRun::server) {
    const Preview changes = preview(console, options.kubeconfig.get(), {before, target});
    print_preview(console, console.err, "target \"" + target.name + "\":", changes);
    asks = console.in_is_terminal && !options.yes && changes.needs_consent();
  }
  const bool same = result == DeclareResult::unchanged && (!options.text || options.text == text_before);
  if (options.dry_run != DryRun::none || same) {
    return result;
  }
  if (replaces && asks && !confirm(console, "Replace it?")) {
    throw Error(ErrorCode::cancelled, "target \"" + target.name + "\" was not changed");
  }
  write_target(console, target, options.text, text_before);
  return result;
}

void announce(Console& console, const Target& target, DeclareResult result, DryRun dry_run) {
  console.out << "target \"" << target.name << "\" " << to_string(result)
              << (dry_run == DryRun::none ? "\n" : " (dry run)\n");
}

}  // namespace regsync::cli
