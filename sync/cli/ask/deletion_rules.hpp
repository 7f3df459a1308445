// Says what targets may delete in a context, for commands that show it before: the rules of regsyncd's Briefing, as far
// as they do not depend on what happened since it started. Pure; any thread.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "sync/cli/ask/differences.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

class DeletionRules {
 public:
  // All of these outlive it. footprints: by target.
  DeletionRules(const TargetFiles& files, const std::map<std::string, Footprint>& footprints,
                const kube::Kubeconfig& kubeconfig, const ContextBook& book)
      : files_(files), footprints_(footprints), kubeconfig_(kubeconfig), book_(book) {}

  // What the targets may delete in a context. places: those of the targets that `is_asked`; none in a context that
  // regsyncd does not look at.
  [[nodiscard]] DeletionScope scope_in(const std::string& context,
                                       const std::function<bool(const std::string&)>& is_asked) const;

 private:
  [[nodiscard]] std::function<bool(const std::string&)> is_there() const;
  [[nodiscard]] bool may_delete(const Target& target, const std::string& context) const;
  [[nodiscard]] bool concerns(const Target& target, const std::string& context) const;
  [[nodiscard]] bool is_used(const std::string& context) const;
  void add_footprint(const std::string& target, const Footprint& footprint, const std::string& context,
                     DeletionScope& scope) const;

  const TargetFiles& files_;
  const std::map<std::string, Footprint>& footprints_;
  const kube::Kubeconfig& kubeconfig_;
  const ContextBook& book_;
};

}  // namespace regsync::cli
