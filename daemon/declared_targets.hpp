// DeclaredTargets holds the targets declared in files. A file that becomes unreadable keeps its last good version.
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
  // Makes the folder if possible. on_read is called with all targets after each read.
  DeclaredTargets(std::filesystem::path folder, std::function<void(TargetFiles)> on_read);

  // Reads the folder again. Logs each new problem of a file.
  void read();
  // Throws if remove() would fail.
  void require_removable(const std::string& target) const { directory_.require_removable(target); }
  // Deletes the file of a target and drops the target.
  void remove(const std::string& target);

  [[nodiscard]] bool contains(const std::string& target) const { return files_.contains(target); }
  // Throws Error if a target that a command has just written is missing: not_found if the folder is readable but has no
  // such file, which means that the command wrote to another folder.
  void require_declared(const std::string& target) const;
  // Returns the error for an unknown name, which suggests the nearest target.
  [[nodiscard]] Error not_found(const std::string& target) const;
  // Why the folder cannot be read, if it cannot.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return directory_.folder(); }
  // The paths to watch: the folder, and the symbolic links in it, whose files may be elsewhere.
  [[nodiscard]] std::vector<std::filesystem::path> followed() const;

 private:
  TargetDirectory directory_;
  std::function<void(TargetFiles)> on_read_;
  TargetFiles files_;
  std::optional<Error> problem_;
};

}  // namespace regsync
