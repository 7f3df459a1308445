#include "helper/base/file_io.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "helper/base/error.hpp"
#include "helper/base/file_descriptor.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;

constexpr auto lock_retry = std::chrono::milliseconds(10);

// The kernel's limit for links in one path (path_resolution(7)).
constexpr int most_links = 40;

std::string reason(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail_reading(const fs::path& path, const std::string& why, const std::string& remedy) {
  throw Error(ErrorCode::invalid_input, path.string() + ": " + why, remedy);
}

[[noreturn]] void fail_writing(const fs::path& path, std::string_view what, int error) {
  throw Error(ErrorCode::invalid_input, path.string() + ": " + std::string(what) + ": " + reason(error),
              "check the permissions of " + path.parent_path().string() + " and the free space there");
}

bool is_null_device(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);  // Linux: Documentation/admin-guide/devices.txt
}

void require_readable_kind(const fs::path& path, const struct stat& status) {
  if (S_ISDIR(status.st_mode)) {
    fail_reading(path, "is a folder, not a file",
                 "move the folder away; if a container made it, mount an existing file");
  }
  if (!S_ISREG(status.st_mode) && !is_null_device(status)) {
    fail_reading(path, "is not a regular file", "put a regular file there; FIFOs, sockets and devices are not read");
  }
}

std::string size_text(std::size_t bytes) {
  constexpr std::size_t kib = 1024;
  constexpr std::size_t mib = kib * kib;
  return bytes % mib == 0   ? std::to_string(bytes / mib) + " MiB"
         : bytes % kib == 0 ? std::to_string(bytes / kib) + " KiB"
                            : std::to_string(bytes) + " bytes";
}

std::string read_all(const fs::path& path, int fd, std::size_t max_bytes) {
  constexpr std::size_t chunk = 64UL * 1024;
  std::string content;
  for (;;) {
    const std::size_t size = content.size();
    content.resize(size + std::min(chunk, max_bytes + 1 - size));
    const ssize_t got = ::read(fd, content.data() + size, content.size() - size);
    content.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno != EINTR) {
      fail_reading(path, "cannot be read: " + reason(errno), "check the disk or the file system it is on");
    }
    if (got == 0) {
      return content;
    }
    if (content.size() > max_bytes) {
      fail_reading(path, "is larger than " + size_text(max_bytes), "check that this is the right file");
    }
  }
}

// As try_make_folder(), but throws; the error names the topmost missing folder.
void make_folder(const fs::path& folder) {
  const std::error_code failed = try_make_folder(folder);
  if (!failed) {
    return;
  }
  fs::path missing = folder;
  std::error_code unknown;
  while (missing.parent_path().has_relative_path() && !fs::exists(missing.parent_path(), unknown)) {
    missing = missing.parent_path();
  }
  fail_writing(missing, "cannot make the folder", failed.value());
}

Error link_to_nothing(const fs::path& link, int error) {
  std::error_code unreadable;
  const std::string what = link.string() + ": is a link to " + fs::read_symlink(link, unreadable).string();
  const std::string remedy = "put that back, or delete the link";
  return error == ENOENT ? Error(ErrorCode::file_missing, what + ", which does not exist", remedy)
                         : Error(ErrorCode::invalid_input, what + ", which cannot be used: " + reason(error), remedy);
}

// A rename would replace a device or a FIFO with a file; as root, even /dev/null.
void require_file(const fs::path& path, const struct stat& status) {
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::invalid_input, path.string() + ": is not a regular file, and is not replaced",
                "see who made it, and move it away");
  }
}

// The kernel's rule for following links (Linux: Documentation/admin-guide/sysctl/fs.rst, protected_symlinks).
void require_link_to_trust(const fs::path& link) {
  struct stat itself{};
  struct stat folder{};
  const bool is_known = ::lstat(link.c_str(), &itself) == 0 && ::stat((link.parent_path() / ".").c_str(), &folder) == 0;
  if (!is_known || (itself.st_uid != ::geteuid() && itself.st_uid != 0 && itself.st_uid != folder.st_uid)) {
    throw Error(ErrorCode::invalid_input, link.string() + ": is a symbolic link of another user, and is not followed",
                "see who made it, and remove it");
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
    if (fd_.get() >= 0 && !renamed_) {
      ::unlink(path_.c_str());
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  TemporaryFile(TemporaryFile&&) = delete;
  TemporaryFile& operator=(TemporaryFile&&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  bool rename_to(const fs::path& path) {
    renamed_ = ::rename(path_.c_str(), path.c_str()) == 0;
    return renamed_;
  }

 private:
  std::string path_;
  FileDescriptor fd_;
  bool renamed_ = false;
};

void write_all(const fs::path& path, int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      fail_writing(path, "cannot be written", errno);
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::optional<std::string> read_file_if_exists(const fs::path& path, std::size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.get() < 0) {
    const int error = errno;
    if (error == ENOENT) {
      require_no_link_to_nothing(path);
      return std::nullopt;
    }
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) {
      require_readable_kind(path, status);  // opening a socket fails with an unhelpful reason
    }
    fail_reading(
        path, "cannot be read: " + reason(error),
        error == ENOTDIR ? "correct the path: one of its folders is a file" : "make it readable for you, or delete it");
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    fail_reading(path, "cannot be read: " + reason(errno), "check the disk or the file system it is on");
  }
  require_readable_kind(path, status);
  return read_all(path, file.get(), max_bytes);
}

std::string read_file(const fs::path& path, std::size_t max_bytes) {
  if (auto content = read_file_if_exists(path, max_bytes)) {
    return *std::move(content);
  }
  throw Error(ErrorCode::not_found, path.string() + ": " + reason(ENOENT));
}

void require_no_link_to_nothing(const fs::path& path) {
  std::error_code unknown;
  fs::path at = path;
  while (fs::symlink_status(at, unknown).type() == fs::file_type::not_found && at.has_relative_path()) {
    at = at.parent_path();
  }
  if (fs::is_symlink(at, unknown) && fs::status(at, unknown).type() == fs::file_type::not_found) {
    throw link_to_nothing(at, ENOENT);
  }
}

std::optional<std::string> try_read_file(const fs::path& path, std::size_t max_bytes) {
  try {
    return read_file_if_exists(path, max_bytes);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    files.push_back(entry->path());
  }
  std::ranges::sort(files);
  return files;
}

fs::path behind_link(const fs::path& path) {
  fs::path target = path;
  std::error_code error;
  // Follow links one by one: realpath(3) does not report their owners.
  int followed = 0;
  for (; followed < most_links && fs::is_symlink(target, error); ++followed) {
    require_link_to_trust(target);
    target = target.parent_path() / fs::read_symlink(target, error);
  }
  if (followed > 0 && !fs::exists(target, error)) {
    throw link_to_nothing(path, error ? error.value() : ENOENT);
  }
  return target;
}

std::error_code try_make_folder(const fs::path& folder) {
  std::error_code unreadable;
  if (folder.empty() || fs::is_directory(folder, unreadable)) {
    return {};
  }
  if (const std::error_code failed = try_make_folder(folder.parent_path())) {
    return failed;
  }
  const auto last_error = [] { return std::error_code(errno, std::generic_category()); };
  if (::mkdir(folder.c_str(), 0700) != 0) {
    return errno == EEXIST ? std::error_code() : last_error();
  }
  struct stat parent{};
  const bool is_given = ::geteuid() != 0 || ::stat(folder.parent_path().c_str(), &parent) != 0 ||
                        ::lchown(folder.c_str(), parent.st_uid, parent.st_gid) == 0;
  return is_given ? std::error_code() : last_error();
}

bool give_to_owner_of(const fs::path& path, int fd) {
  struct stat owner{};
  return ::geteuid() != 0 || (::stat(path.c_str(), &owner) == 0 && ::fchown(fd, owner.st_uid, owner.st_gid) == 0);
}

void make_private_folder(const fs::path& folder) {
  make_folder(folder);
  const FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (opened.get() < 0 || ::fstat(opened.get(), &status) != 0) {
    const int error = errno;
    std::error_code unreadable;
    const bool link = fs::is_symlink(folder, unreadable);
    throw Error(
        ErrorCode::invalid_input,
        folder.string() + ": " + (link ? "is a symbolic link, where a folder of regsync is expected" : reason(error)),
        "see who made it, and remove it");
  }
  if (status.st_uid != ::geteuid()) {
    throw Error(ErrorCode::invalid_input, folder.string() + ": belongs to another user",
                "see who made it, and remove it");
  }
  if ((status.st_mode & 0777U) != S_IRWXU && ::fchmod(opened.get(), S_IRWXU) != 0) {
    fail_writing(folder, "cannot be closed to other users", errno);
  }
}

void write_whole(const fs::path& path, std::string_view content, unsigned mode) {
  const fs::path target = behind_link(path);
  make_folder(target.parent_path());
  struct stat before{};
  const bool is_new = ::stat(target.c_str(), &before) != 0;
  if (!is_new) {
    require_file(target, before);
  }

  TemporaryFile file(target);
  if (file.fd() < 0) {
    fail_writing(target, "cannot be written", errno);
  }
  write_all(target, file.fd(), content);
  if (!give_to_owner_of(is_new ? target.parent_path() : target, file.fd()) || ::fchmod(file.fd(), mode) != 0 ||
      ::fsync(file.fd()) != 0) {
    fail_writing(target, "cannot be written", errno);
  }
  if (!file.rename_to(target)) {
    fail_writing(target, "cannot be replaced", errno);
  }

  sync_folder(target.parent_path());  // makes the rename itself reach the disk
}

void sync_folder(const fs::path& folder) {
  const FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() >= 0) {
    static_cast<void>(::fsync(opened.get()));
  }
}

FolderLock::FolderLock(const fs::path& folder, std::chrono::milliseconds patience) {
  make_folder(folder);
  fd_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR)) {
    if (std::chrono::steady_clock::now() > deadline) {
      ::close(fd_);
      throw Error(ErrorCode::timeout, "another program has been changing " + folder.string() + " for too long",
                  "end it, if it is stopped: fuser -v " + folder.string());
    }
    std::this_thread::sleep_for(lock_retry);
  }
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) {
    ::close(fd_);  // also releases the lock
  }
}

void append(const fs::path& path, std::string_view content) {
  // O_NONBLOCK: opening a FIFO must not wait for its reader.
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    fail_writing(path, "cannot be written", errno);
  }
  require_file(path, status);
  write_all(path, file.get(), content);
}

}  // namespace regsync
