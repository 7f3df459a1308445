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

// The target as its file says now; one with a name only where the file cannot be read; nothing where there is none.
std::optional<Target> declared(const std::string& name);

DeclareResult result_of(const std::optional<Target>& before, const Target& target);

// The text of the target's file as it is now; nothing where there is none.
std::optional<std::string> declared_text(const std::string& name);

// Writes the file, and tells a running daemon that it is whole: what it no longer covers is then deleted without delay.
// `text`: of the file; nothing: to_yaml(target). `before`: declared_text() before anybody was asked. Throws
// Error(stale) where somebody else changed the file since; a daemon that could not be told is a warning.
void write_target(Console& console, const Target& target, const std::optional<std::string>& text,
                  const std::optional<std::string>& before);

struct DeclareOptions {
  bool yes = false;                 // do not ask
  bool changes_clusters = true;     // else nothing is previewed
  bool only_known_contexts = true;  // a context that the kubeconfig does not have is refused, else warned of
  std::optional<std::string> text = std::nullopt;    // of the file, where it is not to be to_yaml(target)
  std::optional<std::string> before = std::nullopt;  // the text that `text` was made of
  std::span<const Target> beside = {};               // targets that are declared in the same go
  DryRun dry_run = DryRun::none;
  LazyKubeconfig& kubeconfig;
};

// Makes `target` the content of its file. A replacement is previewed, and at a terminal a person is asked if it changes
// something in clusters, or may; throws cancelled where the answer is no, and not_found for a context that it names and
// did not name before, where only known ones are taken, and already_exists where another target keeps a Secret that
// this one begins to want. With dry_run nothing is written.
DeclareResult declare(Console& console, const Target& target, const DeclareOptions& options);

// "target "web" replaced", for people.
void announce(Console& console, const Target& target, DeclareResult result, DryRun dry_run);

}  // namespace regsync::cli
