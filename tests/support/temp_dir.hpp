// TempDir is a temporary folder of a test, 0700; the destructor removes it with its content.
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

  // Writes a file below the folder, makes missing folders, and returns the path.
  std::filesystem::path write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

// The whole content of a file. Throws std::system_error.
std::string read_file(const std::filesystem::path& path);

}  // namespace regsync::test
