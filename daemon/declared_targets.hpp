// The targets that files declare, as they are in force: of a file that cannot be read any more, its last good version.
//
// Synchronous file I/O. Lives on the io_context thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/config/target_directory.hpp"

namespace regsync {

class DeclaredTargets {
 public:
  // Makes the folder, where it can. on_read: called with all targets at each reading.
  DeclaredTargets(std::filesystem::path folder, std::function<void(TargetFiles)> on_read);

  // Reads the folder again. A file with a new problem is logged.
  void read();
  // Throws where remove() cannot.
  void require_removable(const std::string& target) const { directory_.require_removable(target); }
  // Deletes the file of a target, and forgets it.
  void remove(const std::string& target);

  [[nodiscard]] bool contains(const std::string& target) const { return files_.contains(target); }
  // Throws Error where a target that somebody has just written is not among them: not_found where the folder, which is
  // another one then, has no such file.
  void require_declared(const std::string& target) const;
  // The error for a name that is no target's, with the nearest one that is.
  [[nodiscard]] Error not_found(const std::string& target) const;
  // Why the folder cannot be read.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return directory_.folder(); }
  // What changes when a target does: the folder, and the symbolic links in it, whose files may be elsewhere.
  [[nodiscard]] std::vector<std::filesystem::path> followed() const;

 private:
  TargetDirectory directory_;
  std::function<void(TargetFiles)> on_read_;
  TargetFiles files_;
  std::optional<Error> problem_;
};

}  // namespace regsync
