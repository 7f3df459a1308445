// FileStamp holds stat(2) data of a file: a cheap way to detect changes. Value type; any thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace regsync {

struct FileStamp {
  std::int64_t modified_ns = -1;
  std::int64_t changed_ns = -1;  // ctime, which nobody can set back
  std::int64_t size = -1;
  std::uint64_t inode = 0;
  std::uint32_t mode = 0;

  bool operator==(const FileStamp&) const = default;
};

// Returns a default FileStamp for a missing file or an empty path.
inline FileStamp stamp_of(const std::string& path) {
  struct stat status{};
  if (path.empty() || ::stat(path.c_str(), &status) != 0) {
    return {};
  }
  const auto in_ns = [](const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  return {.modified_ns = in_ns(status.st_mtim),
          .changed_ns = in_ns(status.st_ctim),
          .size = status.st_size,
          .inode = status.st_ino,
          .mode = status.st_mode};
}

}  // namespace regsync
