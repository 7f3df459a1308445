#include "sync/base/paths.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>

#include "helper/base/error.hpp"

namespace regsync::paths {
namespace {

namespace fs = std::filesystem;

// The specification: "All paths set in these environment variables must be absolute", others are ignored.
std::optional<fs::path> absolute_from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value != '/') {
    return std::nullopt;
  }
  return fs::path(value);
}

[[noreturn]] void fail(const fs::path& path, std::string_view what, int error) {
  throw Error(ErrorCode::invalid_input,
              path.string() + ": " + std::string(what) + ": " + std::generic_category().message(error),
              "check the permissions of " + path.parent_path().string() + " and the free space there");
}

void make_folder(const fs::path& folder) {
  if (folder.empty() || fs::is_directory(folder)) {
    return;
  }
  make_folder(folder.parent_path());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    fail(folder, "cannot make the folder", errno);
  }
}

// Closes and deletes the unfinished file unless it was renamed into place.
class TemporaryFile {
 public:
  // A leading dot: listings of the folder (targets/*.yaml) never see a half-written file.
  explicit TemporaryFile(const fs::path& beside)
      : path_((beside.parent_path() / std::string(".").append(beside.filename().string()).append(".XXXXXX")).string()),
        fd_(::mkostemp(path_.data(), O_CLOEXEC)) {}
  ~TemporaryFile() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
    if (fd_ >= 0 && !renamed_) {
      ::unlink(path_.c_str());
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  TemporaryFile(TemporaryFile&&) = delete;
  TemporaryFile& operator=(TemporaryFile&&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  bool rename_to(const fs::path& path) {
    renamed_ = ::rename(path_.c_str(), path.c_str()) == 0;
    return renamed_;
  }

 private:
  std::string path_;
  int fd_;
  bool renamed_ = false;
};

}  // namespace

fs::path home() {
  if (auto path = absolute_from_environment("HOME")) {
    return *path;
  }
  throw Error(ErrorCode::invalid_input, "HOME is not set", "set HOME to your home folder");
}

fs::path config_home() {
  if (auto path = absolute_from_environment("XDG_CONFIG_HOME")) {
    return *path / "regsync";
  }
  return home() / ".config/regsync";
}

fs::path state_home() {
  if (auto path = absolute_from_environment("XDG_STATE_HOME")) {
    return *path / "regsync";
  }
  return home() / ".local/state/regsync";
}

fs::path runtime_dir() {
  if (auto path = absolute_from_environment("XDG_RUNTIME_DIR")) {
    return *path / "regsync";
  }
  throw Error(ErrorCode::invalid_input, "XDG_RUNTIME_DIR is not set: this shell is not in a login session",
              "log in (ssh, console or desktop; `su` is no login), or set XDG_RUNTIME_DIR=/run/user/$(id -u)");
}

void write_whole(const fs::path& path, std::string_view content, unsigned mode) {
  // Through a symbolic link (people keep their dotfiles elsewhere) the file it names is replaced, not the link.
  std::error_code no_link;
  const fs::path target = fs::is_symlink(path, no_link) ? fs::weakly_canonical(path) : path;
  make_folder(target.parent_path());

  TemporaryFile file(target);
  if (file.fd() < 0) {
    fail(target, "cannot be written", errno);
  }
  while (!content.empty()) {
    const ssize_t written = ::write(file.fd(), content.data(), content.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      fail(target, "cannot be written", errno);
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fchmod(file.fd(), mode) != 0 || ::fsync(file.fd()) != 0) {
    fail(target, "cannot be written", errno);
  }
  if (!file.rename_to(target)) {
    fail(target, "cannot be replaced", errno);
  }

  // The rename itself reaches the disk with its folder; where that cannot be synced, nothing is lost but time.
  const int folder = ::open(target.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

}  // namespace regsync::paths
