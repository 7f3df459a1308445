// One process at a time writes to clusters for a person: regsyncd, or `regsync sync --once`.
//
// An advisory lock (flock) on paths::lock(), which holds the owner's pid, program and host, and on its folder: each
// where it can be had. A process may be unable to open the file (another user's, a full disk), and NFS locks no folder.
// The kernel lets go of it when the process ends, however it ends: a stale file locks nobody out. Owned by the process
// that runs the engine.
#pragma once

#include <filesystem>
#include <string_view>

#include "helper/base/file_descriptor.hpp"

namespace regsync {

class InstanceLock {
 public:
  // Throws Error(already_exists) that says who runs: `regsyncd runs already (process 4711)`; invalid_input where it
  // runs on another machine, with which the folder is shared (NFS), and where nothing can be locked.
  InstanceLock(const std::filesystem::path& file, std::string_view program);
  ~InstanceLock() = default;
  InstanceLock(const InstanceLock&) = delete;
  InstanceLock& operator=(const InstanceLock&) = delete;
  InstanceLock(InstanceLock&&) = delete;
  InstanceLock& operator=(InstanceLock&&) = delete;

 private:
  class Place {
   public:
    explicit Place(int fd);  // takes it; -1 with errno: it could not be opened

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
