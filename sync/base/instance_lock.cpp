#include "sync/base/instance_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <string>
#include <system_error>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "helper/base/text.hpp"
#include "sync/base/host_name.hpp"
#include "sync/base/log.hpp"
#include "sync/base/user_manager.hpp"

namespace regsync {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, int error) {
  const std::string folder = file.parent_path().string();
  throw Error(ErrorCode::invalid_input, file.string() + ": cannot be locked: " + std::generic_category().message(error),
              error == EROFS ? "make " + folder + " writable; if the unit of regsyncd forbids it (ReadWritePaths=): " +
                                   "systemctl --user edit regsyncd.service"
                             : "check the permissions of " + folder);
}

// The boot id: differs after each boot, and is the same in all containers of a machine, whatever their host names.
std::string this_boot() {
  constexpr std::size_t most = 64;
  return std::string(trim(try_read_file("/proc/sys/kernel/random/boot_id", most).value_or("")));
}

// The error for a lock that is taken. The owner writes "4711 regsyncd\nlaptop\nBOOT\n" after it gets the lock; until
// then it is unknown. Older versions did not write the host.
Error taken(int fd, const std::string& folder) {
  std::array<char, 512> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  std::istringstream lines(std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))));
  std::string owner;
  std::string host;
  std::getline(lines, owner);
  const auto space = lines.eof() ? std::string::npos : owner.find(' ');
  const bool is_known = space != std::string::npos;
  const std::string program = is_known ? owner.substr(space + 1) : "another regsync process";
  const std::string process = is_known ? " (process " + owner.substr(0, space) + ")" : "";
  std::getline(lines, host);
  std::string boot;
  std::getline(lines, boot);
  if (!is_known || boot.empty() || boot == this_boot()) {
    return {ErrorCode::already_exists, program + " runs already" + process + " and keeps the clusters in sync",
            "use it (regsync status, regsync sync), or " + how_to_stop_regsyncd()};
  }
  return {
      ErrorCode::invalid_input,
      program + " runs on " + host + process + " with the same " + folder + ", and keeps the clusters in sync",
      "one is enough for all machines that share the folder; to run another one here, set XDG_STATE_HOME, for it "
      "and for regsync, to a folder on a disk of this machine, and first copy the file owner into its folder regsync"};
}

// As open(2). Changes the owner only of a new file: an existing one may be a hard link to any file.
int open_or_make(const std::filesystem::path& file) {
  constexpr int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW;
  const int known = ::open(file.c_str(), flags);
  if (known >= 0 || errno != ENOENT) {
    return known;
  }
  const int made = ::open(file.c_str(), flags | O_CREAT | O_EXCL, 0600);
  if (made < 0 && errno == EEXIST) {
    return ::open(file.c_str(), flags);  // another process has just created it
  }
  if (made >= 0) {
    (void)give_to_owner_of(file.parent_path(), made);  // the lock also works on a file system without owners
  }
  return made;
}

// Opens the file read-only if it cannot be written now. -1 with errno set if that fails, too.
int open_file(const std::filesystem::path& file) {
  const std::error_code made = try_make_folder(file.parent_path());  // if this fails, it explains the missing file
  const int fd = open_or_make(file);
  const int cause = made ? made.value() : errno;
  if (fd >= 0) {
    return fd;
  }
  if (cause != EROFS && cause != EACCES && cause != ENOSPC && cause != EDQUOT) {
    fail(file, cause);
  }
  const int readable = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  errno = cause;
  return readable;
}

}  // namespace

InstanceLock::Place::Place(int fd) : fd_(fd), error_(fd < 0 ? errno : 0) {
  if (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    error_ = errno;
  }
}

bool InstanceLock::Place::is_taken() const { return error_ == EWOULDBLOCK; }

InstanceLock::InstanceLock(const std::filesystem::path& file, std::string_view program)
    : file_(open_file(file)),
      // Do not lock the folder if the file is taken: its owner is about to lock the folder, too.
      folder_(file_.is_taken() ? -1 : ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (file_.is_taken() || folder_.is_taken()) {
    throw taken(file_.fd(), file.parent_path().string());
  }
  if (file_.error() != 0 && folder_.error() != 0) {
    fail(file, file_.error());
  }
  const std::string line =
      std::to_string(::getpid()) + " " + std::string(program) + "\n" + this_host() + "\n" + this_boot() + "\n";
  // On a full disk the lock still holds, but does not name its owner.
  if (::ftruncate(file_.fd(), 0) == 0 && ::pwrite(file_.fd(), line.data(), line.size(), 0) < 0) {
    log::warning(file.string() + ": cannot be written: " + std::generic_category().message(errno));
  }
}

}  // namespace regsync
