#include "tests/support/temp_dir.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace regsync::test {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "regsync-test.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), name);
  }
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TempDir::write(std::string_view name, std::string_view content) const {
  auto file = path_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream stream(file, std::ios::binary);
  stream << content;
  if (!stream.flush()) {
    throw std::system_error(errno, std::generic_category(), file.string());
  }
  return file;
}

std::string read_file(const std::filesystem::path& path) {
  const std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    throw std::system_error(errno, std::generic_category(), path.string());
  }
  std::ostringstream content;
  content << stream.rdbuf();  // in bulk: tests look for secrets in all files, and a program may be among them
  return std::move(content).str();
}

}  // namespace regsync::test
