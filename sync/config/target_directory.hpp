// The folder of target files: reading all of them, writing and deleting one.
//
// One bad file is one bad target: its error stands beside the others, and whoever keeps TargetFiles keeps the last
// good version of it in force. Synchronous file I/O of small files; any thread, one at a time.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "sync/model/target.hpp"

namespace regsync {

// Far more than any target needs; what is larger is not a target but an accident.
inline constexpr std::size_t max_target_bytes = 1024UL * 1024;

struct TargetFile {
  std::optional<Target> target;  // the last version that could be read
  std::optional<Error> problem;  // why the file as it is now cannot be used
};

using TargetFiles = std::map<std::string, TargetFile>;

class TargetDirectory {
 public:
  explicit TargetDirectory(std::filesystem::path folder);

  // All *.yaml files (hidden ones and editors' backups are not targets; of a *.yml file there is a problem under its
  // whole name). A file that cannot be used keeps the target that `last_good` has for it. Throws Error when the folder
  // itself cannot be read, or is a link to nothing; a folder that does not exist holds no targets.
  [[nodiscard]] TargetFiles load(const TargetFiles& last_good = {}) const;

  // Written whole and renamed into place. `text`: of the file, where it is not to be to_yaml(target).
  void write(const Target& target, const std::optional<std::string>& text = std::nullopt) const;
  // The same where the file is still what it was, nothing for none. Throws Error(stale) where somebody changed it.
  void replace(const Target& target, const std::optional<std::string>& text,
               const std::optional<std::string>& before) const;
  // The text of a target's file. Throws Error where it cannot be read.
  [[nodiscard]] std::string read(const std::string& name) const;
  // The same; nothing where there is no file.
  [[nodiscard]] std::optional<std::string> read_if_exists(const std::string& name) const;
  // Throws Error(stale) where a target's file is no longer what it was.
  void require_unchanged(const std::string& name, const std::optional<std::string>& before) const;

  // Throws where remove() could not delete the file, as in a folder that is mounted read-only.
  void require_removable(const std::string& name) const;
  // False where there is no such target.
  bool remove(const std::string& name) const;

  // Whether there is a file of this name, whatever is in it. A path to another folder is not a name.
  [[nodiscard]] bool contains(const std::string& name) const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::filesystem::path path_of(const std::string& name) const { return folder_ / (name + ".yaml"); }

 private:
  [[nodiscard]] Error cannot_remove(const std::string& name, const std::string& why) const;

  std::filesystem::path folder_;
};

}  // namespace regsync
