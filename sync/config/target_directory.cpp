#include "sync/config/target_directory.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "sync/base/paths.hpp"
#include "sync/config/target_yaml.hpp"

namespace regsync {

namespace {

// Far more than any target needs; what is larger is not a target but an accident.
constexpr std::uintmax_t max_target_bytes = 1024 * 1024;

std::string read_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  const std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    throw Error(ErrorCode::invalid_input, path.string() + ": " + (error ? error.message() : std::strerror(errno)),
                "make the file readable for you, or delete it");
  }
  if (size > max_target_bytes) {
    throw Error(ErrorCode::invalid_input, path.string() + ": larger than 1 MiB", "a target is a few lines of YAML");
  }
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace

TargetDirectory::TargetDirectory(std::filesystem::path folder) : folder_(std::move(folder)) {}

TargetFiles TargetDirectory::load(const TargetFiles& last_good) const {
  TargetFiles files;
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder_, error);
  if (error == std::errc::no_such_file_or_directory) {
    return files;
  }
  if (error) {
    throw Error(ErrorCode::invalid_input, folder_.string() + ": " + error.message(),
                "make the folder readable for you");
  }
  for (const auto& entry : entries) {
    const auto& path = entry.path();
    if (path.extension() != ".yaml" || path.filename().string().front() == '.') {
      continue;
    }
    const std::string name = path.stem().string();
    TargetFile& file = files[name];
    try {
      file.target = parse_target(name, read_file(path), path.string());
    } catch (const Error& problem) {
      file.problem = problem;
      if (const auto known = last_good.find(name); known != last_good.end()) {
        file.target = known->second.target;
      }
    }
  }
  return files;
}

void TargetDirectory::write(const Target& target) const {
  validate(target);
  paths::write_whole(path_of(target.name), to_yaml(target));
}

bool TargetDirectory::remove(const std::string& name) const {
  std::error_code error;
  const bool removed = std::filesystem::remove(path_of(name), error);
  if (error) {
    throw Error(ErrorCode::invalid_input, path_of(name).string() + ": " + error.message(), "delete the file yourself");
  }
  return removed;
}

bool TargetDirectory::contains(const std::string& name) const { return std::filesystem::exists(path_of(name)); }

}  // namespace regsync
