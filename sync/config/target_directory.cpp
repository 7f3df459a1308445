#include "sync/config/target_directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "helper/base/file_io.hpp"
#include "helper/base/shell_word.hpp"
#include "helper/base/text.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/config/target_yaml.hpp"

namespace regsync {

namespace {

Error wrong_extension(const std::filesystem::path& path) {
  auto right = path;
  right.replace_extension(".yaml");
  return {ErrorCode::invalid_input, path.string() + ": ignored, because targets are files that end in .yaml",
          "rename it: mv " + shell_word(path.string()) + " " + shell_word(right.string())};
}

// A file that load() reports may have an invalid target name; a file in another folder, or a hidden one, is not a
// target.
bool names_a_file_here(const std::string& name) {
  return !name.empty() && !name.starts_with('.') && name.find('/') == std::string::npos;
}

// Throws like read_file(), with a remedy for a dangling link: removing the target needs no file.
std::string read_target_file(const std::filesystem::path& path, const std::string& name) {
  try {
    return read_file(path, max_target_bytes);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::file_missing) {
      throw;
    }
    throw Error(error.code(), error.message(), "put that back, or: regsync remove " + shell_word(name));
  }
}

}  // namespace

TargetDirectory::TargetDirectory(std::filesystem::path folder) : folder_(std::move(folder)) {}

TargetFiles TargetDirectory::load(const TargetFiles& last_good) const {
  TargetFiles files;
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder_, error);
  if (error == std::errc::no_such_file_or_directory) {
    require_no_link_to_nothing(folder_);
    return files;
  }
  if (error) {
    throw Error(ErrorCode::invalid_input, folder_.string() + ": " + error.message(),
                "make the folder readable for you");
  }
  for (const auto& entry : entries) {
    const auto& path = entry.path();
    if (path.filename().string().front() == '.') {
      continue;
    }
    if (path.extension() == ".yml") {
      files[one_line(path.filename().string())].problem = wrong_extension(path);
    }
    if (path.extension() == ".yaml") {
      const std::string name = path.stem().string();
      TargetFile& file = files[one_line(name)];
      file.problem = guarded([&] { file.target = parse_target(name, read_target_file(path, name), path.string()); });
      if (const auto known = last_good.find(name); file.problem && known != last_good.end()) {
        file.target = known->second.target;
      }
    }
  }
  return files;
}

void TargetDirectory::write(const Target& target, const std::optional<std::string>& text) const {
  validate(target);
  write_whole(path_of(target.name), text ? *text : to_yaml(target));
}

void TargetDirectory::replace(const Target& target, const std::optional<std::string>& text,
                              const std::optional<std::string>& before) const {
  const FolderLock lock(folder_);
  require_unchanged(target.name, before);
  write(target, text);
}

std::optional<std::string> TargetDirectory::read_if_exists(const std::string& name) const {
  return names_a_file_here(name) ? read_file_if_exists(path_of(name), max_target_bytes) : std::nullopt;
}

void TargetDirectory::require_unchanged(const std::string& name, const std::optional<std::string>& before) const {
  if (read_if_exists(name) != before) {
    throw Error(ErrorCode::stale, "target \"" + name + "\" was changed by another program meanwhile; it was left alone",
                "see what it is now: regsync describe " + name + "; then run this again");
  }
}

std::string TargetDirectory::read(const std::string& name) const { return read_target_file(path_of(name), name); }

void TargetDirectory::require_removable(const std::string& name) const {
  if (contains(name) && ::faccessat(AT_FDCWD, folder_.c_str(), W_OK, AT_EACCESS) != 0) {
    throw cannot_remove(name, std::generic_category().message(errno));
  }
}

bool TargetDirectory::remove(const std::string& name) const {
  if (!names_a_file_here(name)) {
    return false;
  }
  std::error_code error;
  const bool removed = std::filesystem::remove(path_of(name), error);
  if (error) {
    throw cannot_remove(name, error.message());
  }
  sync_folder(folder_);  // a file that reappears after a power failure would write the Secrets again
  return removed;
}

Error TargetDirectory::cannot_remove(const std::string& name, const std::string& why) const {
  return {
      ErrorCode::invalid_input, path_of(name).string() + ": " + why,
      "delete it where the folder comes from, and the Secrets of target " + name + " follow: regsync remove " + name};
}

bool TargetDirectory::contains(const std::string& name) const {
  if (!names_a_file_here(name)) {
    return false;
  }
  std::error_code error;
  const auto type = std::filesystem::symlink_status(path_of(name), error).type();  // a dangling link counts as a file
  if (type == std::filesystem::file_type::none && error != std::errc::filename_too_long) {
    throw Error(ErrorCode::invalid_input, path_of(name).string() + ": " + error.message(),
                "make the folder readable for you");
  }
  return type != std::filesystem::file_type::none && type != std::filesystem::file_type::not_found;
}

}  // namespace regsync
