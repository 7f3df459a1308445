// PausedContexts holds the contexts that the user paused: nothing is written or deleted in them until they are resumed.
//
// A pause applies to the cluster that the user meant: it follows the context when it is renamed.
//
// One small JSON file without secrets. A file that cannot be read pauses every context, because it may have named any.
// Synchronous file I/O; one thread, and one process at a time (InstanceLock).
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "helper/base/error.hpp"

namespace regsync {

class PausedContexts {
 public:
  explicit PausedContexts(std::filesystem::path file);

  [[nodiscard]] bool contains(const std::string& context) const {
    return problem_ || names_.contains(context) || in_doubt_.contains(context);
  }
  [[nodiscard]] const std::set<std::string>& names() const { return names_; }
  // Contexts that may be paused ones under another name.
  void set_in_doubt(std::set<std::string> contexts) { in_doubt_ = std::move(contexts); }
  [[nodiscard]] bool is_in_doubt(const std::string& context) const {
    return !names_.contains(context) && in_doubt_.contains(context);
  }
  // A paused context was renamed. Throws like set().
  void rename(const std::string& before, const std::string& now);
  // Why the file cannot be used.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

  // Returns false if it is in that state already. Throws Error(invalid_input) if the file cannot be written or, to
  // pause, be read.
  bool set(const std::string& context, bool paused);

 private:
  void write(std::set<std::string> names);

  std::filesystem::path file_;
  std::set<std::string> names_;
  std::set<std::string> in_doubt_;
  std::optional<Error> problem_;
};

}  // namespace regsync
