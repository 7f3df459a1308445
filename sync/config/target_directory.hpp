// TargetDirectory is the folder of target files: it reads all of them, and writes or deletes one.
//
// One bad file is one bad target: its error is reported next to the others, and the owner of the TargetFiles keeps the
// last good version in force. Synchronous file I/O of small files; any thread, one at a time.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "sync/model/target.hpp"

namespace regsync {

// Far more than any target needs; a larger file is not a target but an accident.
inline constexpr std::size_t max_target_bytes = 1024UL * 1024;

struct TargetFile {
  std::optional<Target> target;  // the last version that could be read
  std::optional<Error> problem;  // why the current file cannot be used
};

using TargetFiles = std::map<std::string, TargetFile>;

class TargetDirectory {
 public:
  explicit TargetDirectory(std::filesystem::path folder);

  // Reads all *.yaml files (hidden ones and editors' backups are not targets; a *.yml file gives a problem under its
  // full name). An unusable file keeps its target from `last_good`. Throws Error if the folder itself cannot be read,
  // or is a dangling link; a missing folder holds no targets.
  [[nodiscard]] TargetFiles load(const TargetFiles& last_good = {}) const;

  // Writes a temporary file and renames it into place. `text`: the file's content, if not to_yaml(target).
  void write(const Target& target, const std::optional<std::string>& text = std::nullopt) const;
  // The same if the file still equals `before` (nothing: no file). Throws Error(stale) if somebody changed it.
  void replace(const Target& target, const std::optional<std::string>& text,
               const std::optional<std::string>& before) const;
  // The text of a target's file. Throws Error if it cannot be read.
  [[nodiscard]] std::string read(const std::string& name) const;
  // The same; nothing if there is no file.
  [[nodiscard]] std::optional<std::string> read_if_exists(const std::string& name) const;
  // Throws Error(stale) if a target's file no longer equals `before`.
  void require_unchanged(const std::string& name, const std::optional<std::string>& before) const;

  // Throws if remove() could not delete the file, as in a folder that is mounted read-only.
  void require_removable(const std::string& name) const;
  // Returns false if there is no such target.
  bool remove(const std::string& name) const;

  // Whether there is a file of this name, whatever its content. A path to another folder is not a name.
  [[nodiscard]] bool contains(const std::string& name) const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::filesystem::path path_of(const std::string& name) const { return folder_ / (name + ".yaml"); }

 private:
  [[nodiscard]] Error cannot_remove(const std::string& name, const std::string& why) const;

  std::filesystem::path folder_;
};

}  // namespace regsync
