// One process at a time writes to clusters for a person: regsyncd, or `regsync sync --once`.
//
// An advisory lock (flock) on paths::lock(), which holds the owner's pid and program. The kernel lets go of it when
// the process ends, however it ends: a stale file locks nobody out. Owned by the process that runs the engine.
#pragma once

#include <filesystem>
#include <string_view>

namespace regsync {

class InstanceLock {
 public:
  // Throws Error(already_exists) that says who runs: `regsyncd runs already (process 4711)`.
  InstanceLock(const std::filesystem::path& file, std::string_view program);
  ~InstanceLock();
  InstanceLock(const InstanceLock&) = delete;
  InstanceLock& operator=(const InstanceLock&) = delete;
  InstanceLock(InstanceLock&&) = delete;
  InstanceLock& operator=(InstanceLock&&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace regsync
