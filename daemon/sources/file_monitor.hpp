// Tells that files were edited, renamed over, created or deleted by others: that something changed, never what.
//
// inotify on the folder of each file (editors and kubectl replace files by renaming), on the nearest folder that exists
// while its own does not, and on the folder of each symbolic link on the way to it (Kubernetes replaces the files of a
// mounted Secret by one such link). Where no event can come (no inotify instance or watch is left, or the file system
// tells of no changes made elsewhere: NFS, SMB, 9p, FUSE), the times and sizes of the files are compared every few
// seconds instead, and problem() says so. A file that is whole is told of at once; what else happens within a moment is
// one more call.
// Lives on the io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/file_stamp.hpp"

namespace regsync {

class FileMonitor {
 public:
  struct Options {
    std::chrono::milliseconds poll_interval{3000};
    // Long enough for an editor's write, rename and chmod to be one change; short against a person's patience.
    std::chrono::milliseconds settle_time{15};
    bool use_inotify = true;
  };

  FileMonitor(const asio::any_io_executor& executor, std::function<void()> on_change)
      : FileMonitor(executor, std::move(on_change), Options{}) {}
  FileMonitor(const asio::any_io_executor& executor, std::function<void()> on_change, Options options);

  // Follows exactly these files and folders (of a folder: everything directly in it).
  void follow(std::vector<std::filesystem::path> paths);

  // Why some of the files are compared every few seconds; nothing where events tell of all of them.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

 private:
  using Stamps = std::map<std::filesystem::path, FileStamp>;

  void add_watches();
  void watch(const std::filesystem::path& path);
  bool add(const std::filesystem::path& folder, const std::string& name);
  void arm();
  void on_readable();
  enum class News { none, some, whole };  // whole: a file was written to its end, or renamed into place
  [[nodiscard]] News drain();
  void settle();
  void announce();
  void poll_later();
  void poll();
  void set_problem(const std::filesystem::path& path, const std::string& why, const std::string& remedy);
  [[nodiscard]] Stamps stamps() const;

  const Options options_;
  std::optional<asio::posix::stream_descriptor> inotify_;  // none: the kernel gave no instance
  int no_instance_ = 0;                                    // errno of that
  asio::steady_timer settle_;
  std::optional<std::chrono::steady_clock::time_point> settled_by_;  // while what is told is to settle
  bool more_ = false;                                                // has happened meanwhile
  asio::steady_timer poll_;
  std::function<void()> on_change_;
  std::vector<std::filesystem::path> paths_;
  std::map<int, std::set<std::string>> names_;  // by watch: the names in that folder that matter; "" for any
  std::set<std::filesystem::path> unwatched_;   // of paths_: compared by stamps_
  Stamps stamps_;                               // of unwatched_
  std::optional<Error> problem_;
  // A handler that is due already runs after the end of this, and sees that by it.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace regsync
