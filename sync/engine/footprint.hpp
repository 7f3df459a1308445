// Where each target has, or may have, Secrets: remembered on disk, so that what must be deleted is found again after
// a restart, in contexts and under names that no target mentions any more.
//
// Written before the first write to a place, cut back when the place is known to be clean. One JSON file per target in
// paths::footprints(). It holds names only. Synchronous file I/O; one thread.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "sync/model/places.hpp"

namespace regsync {

struct Footprint {
  bool forgotten = false;                  // the person removed the target: its Secrets are to be deleted
  std::set<std::string> kept;              // contexts where they are to stay instead, as nobody's
  std::map<std::string, Places> contexts;  // by context name

  bool operator==(const Footprint&) const = default;
};

class FootprintStore {
 public:
  // Reads all footprints. A file that cannot be read is reported by a warning in the log and left alone.
  explicit FootprintStore(std::filesystem::path folder);

  [[nodiscard]] const std::map<std::string, Footprint>& all() const { return footprints_; }

  // Replaces (or, if it has no context left, deletes) what is remembered of a target. Writes only a change.
  void set(const std::string& target, Footprint footprint);

 private:
  std::filesystem::path folder_;
  std::map<std::string, Footprint> footprints_;
};

}  // namespace regsync
