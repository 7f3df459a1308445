// A footprint lists where a target has, or may have, Secrets. It is on disk, so that what must be deleted is found
// after a restart, in contexts and under names that no target mentions any more.
//
// One JSON file per target in paths::footprints(). It holds names only. Synchronous file I/O; one thread.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "helper/base/error.hpp"
#include "sync/model/places.hpp"

namespace regsync {

struct Footprint {
  bool forgotten = false;                             // the person removed the target: its Secrets are to be deleted
  std::set<std::string> kept;                         // contexts where they are to stay instead, unmanaged
  std::map<std::string, Places> contexts;             // by context name
  std::map<std::string, std::string> own_namespaces;  // by context: the one it had when the target first came there

  bool operator==(const Footprint&) const = default;
};

class FootprintStore {
 public:
  // Reads all footprints. A file that cannot be read is a problem of its target, and is left as it is. Throws
  // Error(invalid_input) where the folder is there and cannot be read: what was written is not known then.
  explicit FootprintStore(std::filesystem::path folder);

  [[nodiscard]] const std::map<std::string, Footprint>& all() const { return footprints_; }
  // Null where nothing is remembered of the target.
  [[nodiscard]] const Footprint* find(const std::string& target) const;

  // Replaces (or, if it has no context left, deletes) what is remembered of a target. Writes only a change. Throws
  // Error(invalid_input) where the file cannot be written, or could not be read: nothing has changed then.
  void set(const std::string& target, Footprint footprint);

  // The targets whose file could not be read, and why.
  [[nodiscard]] const std::map<std::string, Error>& unreadable() const { return unreadable_; }

 private:
  [[nodiscard]] std::filesystem::path path_of(const std::string& target) const;

  std::filesystem::path folder_;
  std::map<std::string, Footprint> footprints_;
  std::map<std::string, Error> unreadable_;
};

}  // namespace regsync
