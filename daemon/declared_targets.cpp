#include "daemon/declared_targets.hpp"

#include <system_error>
#include <utility>

#include "daemon/note_problem.hpp"
#include "helper/base/file_io.hpp"
#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/base/suggest.hpp"

namespace regsync {

DeclaredTargets::DeclaredTargets(std::filesystem::path folder, std::function<void(TargetFiles)> on_read)
    : directory_(std::move(folder)), on_read_(std::move(on_read)) {
  // If the folder can be neither made nor read, status shows that.
  [[maybe_unused]] const std::error_code unmade = try_make_folder(directory_.folder());
}

void DeclaredTargets::read() {
  (void)note_problem(problem_, guarded([this] {
                       auto files = directory_.load(files_);
                       for (const auto& [name, file] : files) {
                         const auto known = files_.find(name);
                         if (file.problem && (known == files_.end() || known->second.problem != file.problem)) {
                           log::warning(describe(*file.problem), {.target = name});
                         }
                       }
                       files_ = files;
                       on_read_(std::move(files));
                     }));
}

std::vector<std::filesystem::path> DeclaredTargets::followed() const {
  std::vector<std::filesystem::path> paths{folder()};
  for (const auto& path : files_in(folder())) {
    std::error_code unknown;
    if (path.extension() == ".yaml" && std::filesystem::is_symlink(path, unknown)) {
      paths.push_back(path);
    }
  }
  return paths;
}

void DeclaredTargets::remove(const std::string& target) {
  directory_.remove(target);
  files_.erase(target);
}

void DeclaredTargets::require_declared(const std::string& target) const {
  if (contains(target)) {
    return;
  }
  if (problem_) {
    throw Error(*problem_);
  }
  throw Error(ErrorCode::not_found, "regsyncd finds no target \"" + target + "\" in its folder, " + folder().string(),
              "XDG_CONFIG_HOME or HOME is another one in this shell: set them here as regsyncd has them, and run this "
              "again");
}

Error DeclaredTargets::not_found(const std::string& target) const {
  std::vector<std::string> names;
  for (const auto& [name, file] : files_) {
    names.push_back(name);
  }
  return {ErrorCode::not_found, "target \"" + target + "\" not found",
          names.empty() ? "declare it: regsync add " + target : did_you_mean(target, names)};
}

}  // namespace regsync
