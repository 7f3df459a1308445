// TemporaryFolder is a folder private to this user, for copies that other programs read. Any thread; the calls block
// for as long as the disk does.
#pragma once

#include <filesystem>
#include <string_view>

namespace regsync {

// Created in TMPDIR, or else in /tmp. Deleted with its contents when the object is destroyed, unless keep() was called.
class TemporaryFolder {
 public:
  // name: the prefix of the folder's name. Throws Error(invalid_input) if it cannot be created.
  explicit TemporaryFolder(std::string_view name);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  TemporaryFolder(TemporaryFolder&&) = delete;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

}  // namespace regsync
