// Writes a target's file after showing the person the effect on the clusters and asking for consent.
// Blocks; one thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/preview.hpp"
#include "sync/cli/view/console.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

enum class DeclareResult { added, replaced, unchanged };
std::string_view to_string(DeclareResult result);

// Returns the target as its file declares it now; one with only a name if the file cannot be read; nullopt if there is
// no file.
std::optional<Target> declared(const std::string& name);

DeclareResult result_of(const std::optional<Target>& before, const Target& target);

// Returns the current text of the target's file; nullopt if there is no file.
std::optional<std::string> declared_text(const std::string& name);

// Writes the file, and tells a running daemon that it is complete, so that the daemon deletes what the target no longer
// covers without delay. `text`: the content of the file; nullopt: to_yaml(target). `before`: declared_text() from
// before the person was asked. Throws Error(stale) if the file has changed since; warns if the daemon could not be
// told.
void write_target(Console& console, const Target& target, const std::optional<std::string>& text,
                  const std::optional<std::string>& before);

struct DeclareOptions {
  bool yes = false;                                  // do not ask
  bool changes_clusters = true;                      // otherwise nothing is previewed
  bool only_known_contexts = true;                   // refuse a context that the kubeconfig lacks; otherwise warn
  std::optional<std::string> text = std::nullopt;    // the content of the file, if not to_yaml(target)
  std::optional<std::string> before = std::nullopt;  // the text that `text` was made from
  std::span<const Target> beside = {};               // targets that the same command declares
  DryRun dry_run = DryRun::none;
  LazyKubeconfig& kubeconfig;
};

// Makes `target` the content of its file. Previews a replacement, and at a terminal asks for consent if it changes, or
// may change, something in clusters. Throws cancelled if the answer is no; not_found for an unknown context that the
// target did not name before, with only_known_contexts; already_exists if another target keeps a Secret that this one
// now wants. Writes nothing with dry_run.
DeclareResult declare(Console& console, const Target& target, const DeclareOptions& options);

// Prints for people: target "web" replaced.
void announce(Console& console, const Target& target, DeclareResult result, DryRun dry_run);

}  // namespace regsync::cli
