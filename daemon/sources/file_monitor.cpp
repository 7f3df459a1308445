#include "daemon/sources/file_monitor.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "helper/base/error.hpp"

namespace regsync {

namespace {

// Not IN_CREATE or IN_MODIFY of a file that is being written: what matters is when it is whole. IN_CREATE is for
// folders and links, IN_ATTRIB for a chmod that makes a file readable.
constexpr std::uint32_t events_of_interest =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;

// Long enough for an editor's write, rename and chmod to be one change; short against a person's patience.
constexpr auto settle_time = std::chrono::milliseconds(15);

int open_inotify() {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) {
    throw Error(ErrorCode::internal, std::string("inotify: ") + std::strerror(errno),
                "raise fs.inotify.max_user_instances, which sysctl shows");
  }
  return fd;
}

}  // namespace

FileMonitor::FileMonitor(const asio::any_io_executor& executor, std::function<void()> on_change)
    : inotify_(executor, open_inotify()), settle_(executor), on_change_(std::move(on_change)) {
  arm();
}

void FileMonitor::follow(std::vector<std::filesystem::path> paths) {
  paths_ = std::move(paths);
  for (const auto& [watch, names] : names_) {
    inotify_rm_watch(inotify_.native_handle(), watch);
  }
  names_.clear();
  for (const auto& path : paths_) {
    watch(path);
    std::error_code error;
    const auto real = std::filesystem::canonical(path, error);
    if (!error && real != path) {
      watch(real);
    }
  }
}

void FileMonitor::watch(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    add(path, "");
  }
  // Its own folder, or the nearest one that exists: there the missing part will appear.
  auto missing = path;
  auto folder = path.parent_path();
  while (!std::filesystem::is_directory(folder, error) && folder.has_parent_path() && folder != folder.parent_path()) {
    missing = folder;
    folder = folder.parent_path();
  }
  add(folder, missing.filename().string());
}

void FileMonitor::add(const std::filesystem::path& folder, const std::string& name) {
  const int watch = inotify_add_watch(inotify_.native_handle(), folder.c_str(), events_of_interest);
  if (watch >= 0) {  // a folder that may not be read has no news for us; reading its file says so in words
    names_[watch].insert(name);
  }
}

void FileMonitor::arm() {
  inotify_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
    if (!error) {
      on_readable();
    }
  });
}

void FileMonitor::on_readable() {
  if (drain()) {
    settle_.expires_after(settle_time);
    settle_.async_wait([this](const asio::error_code& error) {
      if (!error) {
        follow(std::move(paths_));  // folders may have come and gone
        on_change_();
      }
    });
  }
  arm();
}

bool FileMonitor::drain() {
  bool relevant = false;
  alignas(inotify_event) std::array<char, 16384> buffer{};
  for (;;) {
    const auto size = read(inotify_.native_handle(), buffer.data(), buffer.size());
    if (size <= 0) {
      return relevant;
    }
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = event.len > 0 ? buffer.data() + at + sizeof event : "";
      const auto known = names_.find(event.wd);
      relevant = relevant || (event.mask & IN_Q_OVERFLOW) != 0U ||
                 (known != names_.end() && (event.mask & IN_IGNORED) == 0U &&
                  (known->second.contains("") || known->second.contains(name) || event.len == 0));
      at += sizeof event + event.len;
    }
  }
}

}  // namespace regsync
