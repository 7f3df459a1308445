// A folder of one test's own, 0700, removed with all that is in it.
#pragma once

#include <filesystem>
#include <string_view>

namespace regsync::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  TempDir(TempDir&&) = delete;
  TempDir& operator=(TempDir&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  friend std::filesystem::path operator/(const TempDir& dir, std::string_view name) { return dir.path_ / name; }

  // Writes a file below the folder, and the folders it needs; answers its path.
  std::filesystem::path write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

// The whole content of a file. Throws std::system_error.
std::string read_file(const std::filesystem::path& path);

}  // namespace regsync::test
