#include "sync/base/instance_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "helper/base/error.hpp"
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

// The owner wrote "4711 regsyncd\n" once it had the lock; in the moment before, who it is is not known.
std::string owner_of(int fd) {
  std::array<char, 128> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  const std::string_view line(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const auto space = line.find(' ');
  const auto end = line.find('\n');
  if (space == std::string_view::npos || end == std::string_view::npos) {
    return "another regsync process runs already";
  }
  return std::string(line.substr(space + 1, end - space - 1)) + " runs already (process " +
         std::string(line.substr(0, space)) + ")";
}

}  // namespace

InstanceLock::InstanceLock(const std::filesystem::path& file, std::string_view program) {
  std::error_code made;  // where the folder cannot be made, that is why there is no file
  std::filesystem::create_directories(file.parent_path(), made);
  fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0600);
  const int cause = made ? made.value() : errno;
  if (fd_ < 0 && (cause == EROFS || cause == EACCES || cause == ENOSPC || cause == EDQUOT)) {
    // Nothing can be written there now: the lock of the file, else of its folder, keeps others away as well.
    fd_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    fd_ = fd_ >= 0 ? fd_ : ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  if (fd_ < 0) {
    fail(file, cause);
  }
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string owner = owner_of(fd_);
    ::close(fd_);
    if (error != EWOULDBLOCK) {
      fail(file, error);
    }
    throw Error(ErrorCode::already_exists, owner + " and keeps the clusters in sync",
                "use it (regsync status, regsync sync), or " + how_to_stop_regsyncd());
  }
  const std::string line = std::to_string(::getpid()) + " " + std::string(program) + "\n";
  // On a full disk the lock holds all the same; only its owner's name is missing.
  if (::ftruncate(fd_, 0) == 0 && ::pwrite(fd_, line.data(), line.size(), 0) < 0) {
    log::warning(file.string() + ": cannot be written: " + std::generic_category().message(errno));
  }
}

InstanceLock::~InstanceLock() { ::close(fd_); }

}  // namespace regsync
