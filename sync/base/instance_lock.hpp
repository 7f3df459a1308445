// InstanceLock ensures that one process at a time writes to clusters for a user: regsyncd, or `regsync sync --once`.
//
// An advisory lock (flock) on paths::lock(), which holds the owner's pid, program, host and boot id, and on its folder.
// One of the two suffices: a process may be unable to open the file (another user's, a full disk), and NFS does not
// lock folders. The kernel releases the lock when the process ends, however it ends: a stale file locks nobody out.
// Owned by the process that runs the engine.
#pragma once

#include <filesystem>
#include <string_view>

#include "helper/base/file_descriptor.hpp"

namespace regsync {

class InstanceLock {
 public:
  // Throws Error(already_exists) naming the owner: `regsyncd runs already (process 4711)`; invalid_input if the owner
  // runs on another machine that shares the folder (NFS), or if neither can be locked.
  InstanceLock(const std::filesystem::path& file, std::string_view program);
  ~InstanceLock() = default;
  InstanceLock(const InstanceLock&) = delete;
  InstanceLock& operator=(const InstanceLock&) = delete;
  InstanceLock(InstanceLock&&) = delete;
  InstanceLock& operator=(InstanceLock&&) = delete;

 private:
  class Place {
   public:
    explicit Place(int fd);  // takes ownership; -1 with errno set: open(2) failed

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] int error() const { return error_; }  // 0: it is locked
    [[nodiscard]] bool is_taken() const;

   private:
    FileDescriptor fd_;
    int error_;
  };

  Place file_;
  Place folder_;
};

}  // namespace regsync
