// TemporaryFolder is a folder of this user's alone, for copies that other programs read. Any thread; the calls block
// for as long as the disk does.
#pragma once

#include <filesystem>
#include <string_view>

namespace regsync {

// In TMPDIR, else in /tmp. Gone with the object, and all that is in it, unless it is kept.
class TemporaryFolder {
 public:
  // name: how its name begins. Throws Error(invalid_input) where it cannot be made.
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
