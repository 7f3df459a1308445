#include "daemon/sources/file_monitor.hpp"

#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <string_view>
#include <system_error>
#include <utility>

#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

// No IN_MODIFY: a file matters once it is completely written. IN_CREATE is for folders and links, IN_ATTRIB for a chmod
// that makes a file readable.
constexpr std::uint32_t events_of_interest =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;

// The latest time to report a change while a program keeps writing.
constexpr auto longest_settling = std::chrono::milliseconds(250);

// Returns the kind of file system if changes made by other machines, or by the host of a virtual machine, cause no
// events (linux/magic.h; coreutils, src/stat.c).
std::optional<std::string_view> silent_file_system(const std::filesystem::path& path) {
  struct statfs status{};
  if (::statfs(path.c_str(), &status) != 0) {
    return std::nullopt;
  }
  switch (static_cast<std::uint32_t>(status.f_type)) {
    case NFS_SUPER_MAGIC:
      return "NFS";
    case SMB_SUPER_MAGIC:
    case 0xFF534D42:  // CIFS
    case SMB2_SUPER_MAGIC:
      return "SMB";
    case V9FS_MAGIC:
      return "9p";
    case FUSE_SUPER_MAGIC:
      return "FUSE";
    case AFS_SUPER_MAGIC:
    case AFS_FS_MAGIC:
    case CEPH_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case OCFS2_SUPER_MAGIC:
    case 0x01161970:  // GFS2
    case 0x0BD00BD0:  // Lustre
    case 0x19830326:  // BeeGFS
    case 0x47504653:  // GPFS
      return "a network file system";
    case 0x786F4256:  // VirtualBox
    case 0x7C7C6673:  // Parallels
    case 0xBACBACBC:  // VMware
      return "a folder of the virtual machine's host";
    default:
      return std::nullopt;
  }
}

struct Way {
  std::vector<std::filesystem::path> links;
  std::filesystem::path end;  // with all links resolved
};

// Returns the symbolic links on the way to a path, and its end, which need not exist; for a loop, the path itself (like
// the kernel, it follows 40 links).
Way way_to(const std::filesystem::path& path) {
  constexpr std::size_t most = 40;
  std::vector<std::filesystem::path> links;
  std::deque<std::filesystem::path> rest(path.begin(), path.end());
  std::filesystem::path at;
  while (!rest.empty() && links.size() < most) {
    at /= rest.front();
    rest.pop_front();
    std::error_code no_link;
    const auto target = std::filesystem::read_symlink(at, no_link);
    if (!no_link) {
      links.push_back(at);
      at = at.parent_path();
      rest.insert(rest.begin(), target.begin(), target.end());
    }
  }
  return {.links = std::move(links), .end = rest.empty() ? at : path};
}

}  // namespace

FileMonitor::FileMonitor(const asio::any_io_executor& executor, std::function<void()> on_change, Options options)
    : options_(options), settle_(executor), poll_(executor), on_change_(std::move(on_change)) {
  const int fd = options_.use_inotify ? ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC) : -1;
  no_instance_ = fd < 0 ? errno : 0;
  if (fd >= 0) {
    inotify_.emplace(executor, fd);
    arm();
  }
}

void FileMonitor::follow(std::vector<std::filesystem::path> paths) {
  paths_ = std::move(paths);
  add_watches();
  stamps_ = stamps();
  poll_later();
}

void FileMonitor::add_watches() {
  for (const auto& [watch, names] : names_) {
    inotify_rm_watch(inotify_->native_handle(), watch);
  }
  names_.clear();
  unwatched_.clear();
  problem_.reset();
  for (const auto& path : paths_) {
    watch(path);
    const Way way = way_to(path);
    for (const auto& link : way.links) {
      if (!add(link.parent_path(), link.filename().string())) {
        unwatched_.insert(path);
      }
    }
    if (!way.links.empty()) {
      watch(way.end);
    }
  }
}

void FileMonitor::watch(const std::filesystem::path& path) {
  std::error_code error;
  bool watched = true;
  if (std::filesystem::is_directory(path, error)) {
    watched = add(path, "");
  }
  // Watch its folder, or the nearest existing one, where the missing part will appear.
  auto missing = path;
  auto folder = path.parent_path();
  while (!std::filesystem::is_directory(folder, error) && folder.has_parent_path() && folder != folder.parent_path()) {
    missing = folder;
    folder = folder.parent_path();
  }
  watched = add(folder, missing.filename().string()) && watched;
  if (const auto silent = silent_file_system(folder)) {
    watched = false;
    set_problem(path, std::string(*silent) + " does not report changes made on other machines", "");
  }
  if (!watched) {
    unwatched_.insert(path);
  }
}

// Watches a name in a folder. Returns false if no events will come from there.
bool FileMonitor::add(const std::filesystem::path& folder, const std::string& name) {
  if (!inotify_) {
    set_problem(folder, std::string("no inotify instance: ") + std::generic_category().message(no_instance_),
                "raise the limit: sysctl fs.inotify.max_user_instances; then restart regsyncd");
    return false;
  }
  const int watch = inotify_add_watch(inotify_->native_handle(), folder.c_str(), events_of_interest);
  if (watch >= 0) {
    names_[watch].insert(name);
    return true;
  }
  if (errno == ENOSPC || errno == ENOMEM) {
    set_problem(folder, "no inotify watch is left", "raise the limit: sysctl fs.inotify.max_user_watches");
  }
  return false;  // an unreadable folder: reading its file reports that
}

// Keeps only the first problem; the others have the same cause or matter as little.
void FileMonitor::set_problem(const std::filesystem::path& path, const std::string& why, const std::string& remedy) {
  if (!problem_) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(options_.poll_interval).count();
    problem_ = Error(
        ErrorCode::internal,
        path.string() + ": changes are noticed within " + std::to_string(seconds) + " s, not at once (" + why + ")",
        remedy);
  }
}

void FileMonitor::arm() {
  inotify_->async_wait(asio::posix::stream_descriptor::wait_read,
                       [this, alive = std::weak_ptr(alive_)](const asio::error_code& error) {
                         if (!error && !alive.expired()) {
                           guarded_logged("file monitor", [this] { on_readable(); });
                           if (!alive.expired()) {
                             arm();
                           }
                         }
                       });
}

void FileMonitor::on_readable() {
  const News news = drain();
  const bool at_once = news == News::whole && !settled_by_;
  if (news != News::none) {
    more_ = !at_once;
    settle();
  }
  if (at_once) {
    guarded_logged("file monitor", [this] { announce(); });
  }
}

// Restarts the timer with each event.
void FileMonitor::settle() {
  const auto now = std::chrono::steady_clock::now();
  settled_by_ = settled_by_.value_or(now + longest_settling);
  settle_.expires_at(std::min(now + options_.settle_time, *settled_by_));
  settle_.async_wait([this, alive = std::weak_ptr(alive_)](const asio::error_code& error) {
    if (!error && !alive.expired()) {
      settled_by_.reset();
      if (std::exchange(more_, false)) {
        guarded_logged("file monitor", [this] { announce(); });
      }
    }
  });
}

// Renews the watches first, so that changes made while the files are read are reported too.
void FileMonitor::announce() {
  follow(std::move(paths_));  // folders may have appeared or disappeared
  on_change_();
}

void FileMonitor::poll_later() {
  if (unwatched_.empty()) {
    poll_.cancel();
    return;
  }
  poll_.expires_after(options_.poll_interval);
  poll_.async_wait([this, alive = std::weak_ptr(alive_)](const asio::error_code& error) {
    if (!error && !alive.expired()) {
      guarded_logged("file monitor", [this] { poll(); });
    }
  });
}

void FileMonitor::poll() {
  const auto unwatched = unwatched_;
  const bool same = stamps() == stamps_;
  add_watches();  // the limit of watches may have been raised
  if (!same || unwatched_ != unwatched) {
    announce();
  } else {
    poll_later();
  }
}

FileMonitor::Stamps FileMonitor::stamps() const {
  Stamps stamps;
  for (const auto& path : unwatched_) {
    stamps[path] = stamp_of(path);
    std::error_code no_folder;
    for (auto entry = std::filesystem::directory_iterator(path, no_folder);
         !no_folder && entry != std::filesystem::directory_iterator(); entry.increment(no_folder)) {
      stamps[entry->path()] = stamp_of(entry->path());
    }
  }
  return stamps;
}

FileMonitor::News FileMonitor::drain() {
  News news = News::none;
  alignas(inotify_event) std::array<char, 16384> buffer{};
  for (;;) {
    const auto size = read(inotify_->native_handle(), buffer.data(), buffer.size());
    if (size <= 0) {
      return news;
    }
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = event.len > 0 ? buffer.data() + at + sizeof event : "";
      const auto known = names_.find(event.wd);
      // An event of a replaced watch may concern any name.
      const bool of_interest =
          known == names_.end() || event.len == 0 || known->second.contains("") || known->second.contains(name);
      if ((event.mask & IN_Q_OVERFLOW) != 0U || ((event.mask & IN_IGNORED) == 0U && of_interest)) {
        const bool whole = (event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0U;
        news = std::max(news, whole ? News::whole : News::some);
      }
      at += sizeof event + event.len;
    }
  }
}

}  // namespace regsync
