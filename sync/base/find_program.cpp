#include "sync/base/find_program.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <system_error>

#include "helper/base/error.hpp"
#include "helper/base/shell_word.hpp"

namespace regsync {
namespace {

// 0, or the errno that says why the file cannot be run.
int obstacle(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return errno;
  }
  if (S_ISDIR(status.st_mode)) {
    return EISDIR;
  }
  return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

bool is_absent(int problem) { return problem == ENOENT || problem == ENOTDIR; }

struct Search {
  std::optional<std::string> found;
  std::string blocked;  // the first match that cannot be run
  int why = 0;
};

Search search(std::string_view path, const std::string& name) {
  Search result;
  std::istringstream folders{std::string(path)};
  for (std::string folder; std::getline(folders, folder, ':') && !result.found;) {
    if (!folder.starts_with('/')) {
      continue;
    }
    std::string candidate = folder + "/" + name;
    const int problem = obstacle(candidate);
    if (problem == 0) {
      result.found = std::move(candidate);
    } else if (!is_absent(problem) && result.blocked.empty()) {
      result.blocked = std::move(candidate);
      result.why = problem;
    }
  }
  return result;
}

Error cannot_run(const std::string& path, int problem) {
  return {ErrorCode::rejected, path + " is there and cannot be run: " + std::generic_category().message(problem),
          problem == EACCES ? "make it executable: chmod +x " + shell_word(path) : ""};
}

}  // namespace

std::optional<std::string> find_in(std::string_view path, const std::string& name) { return search(path, name).found; }

std::optional<std::string> find_on_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  return path == nullptr ? std::nullopt : find_in(path, name);
}

bool is_on_path(const std::string& name) { return find_on_path(name).has_value(); }

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    const int problem = obstacle(name);
    if (problem == 0) {
      return name;
    }
    if (is_absent(problem)) {
      throw Error(ErrorCode::not_found, name + " does not exist");
    }
    throw cannot_run(name, problem);
  }
  const char* variable = std::getenv("PATH");
  const std::string path = variable == nullptr ? "" : variable;
  Search result = search(path, name);
  if (result.found) {
    return std::move(*result.found);
  }
  if (!result.blocked.empty()) {
    throw cannot_run(result.blocked, result.why);
  }
  throw Error(ErrorCode::not_found, name + " is not on PATH (" + (path.empty() ? "which is empty" : path) + ")");
}

}  // namespace regsync
