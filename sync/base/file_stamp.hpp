// FileStamp is what stat(2) tells of a file: a cheap way to see that it changed. Value type; any thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace regsync {

struct FileStamp {
  std::int64_t modified_ns = -1;
  std::int64_t size = -1;
  std::uint64_t inode = 0;
  std::uint32_t mode = 0;

  bool operator==(const FileStamp&) const = default;
};

// The stamp of a missing or unnamed file is that of no file.
inline FileStamp stamp_of(const std::string& path) {
  struct stat status{};
  if (path.empty() || ::stat(path.c_str(), &status) != 0) {
    return {};
  }
  return {std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec, status.st_size, status.st_ino,
          status.st_mode};
}

}  // namespace regsync
