// FileMonitor reports that files were edited, replaced, created or deleted by other programs: that something changed,
// never what.
//
// It watches with inotify the folder of each file (editors and kubectl replace files by renaming), the nearest existing
// folder if that does not exist, and the folder of each symbolic link on the way (Kubernetes replaces the files of a
// mounted Secret by one such link). If no events can come (no inotify instance or watch is left, or the file system
// does not report changes made elsewhere: NFS, SMB, 9p, FUSE), it compares the times and sizes of the files every few
// seconds instead, and problem() says so. A completely written file is reported at once; further events within a moment
// become one more call. Lives on the io_context thread.
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
    // Long enough to merge an editor's write, rename and chmod into one change; too short for a person to notice.
    std::chrono::milliseconds settle_time{15};
    bool use_inotify = true;
  };

  FileMonitor(const asio::any_io_executor& executor, std::function<void()> on_change)
      : FileMonitor(executor, std::move(on_change), Options{}) {}
  FileMonitor(const asio::any_io_executor& executor, std::function<void()> on_change, Options options);

  // Replaces the set of followed files and folders (for a folder: everything directly in it).
  void follow(std::vector<std::filesystem::path> paths);

  // Why some files are compared every few seconds; nullopt if events cover all of them.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

 private:
  using Stamps = std::map<std::filesystem::path, FileStamp>;

  void add_watches();
  void watch(const std::filesystem::path& path);
  bool add(const std::filesystem::path& folder, const std::string& name);
  void arm();
  void on_readable();
  enum class News { none, some, whole };  // whole: a file was closed after writing, or renamed into place
  [[nodiscard]] News drain();
  void settle();
  void announce();
  void poll_later();
  void poll();
  void set_problem(const std::filesystem::path& path, const std::string& why, const std::string& remedy);
  [[nodiscard]] Stamps stamps() const;

  const Options options_;
  std::optional<asio::posix::stream_descriptor> inotify_;  // none: the kernel gave no instance
  int no_instance_ = 0;                                    // the errno of inotify_init1(2)
  asio::steady_timer settle_;
  std::optional<std::chrono::steady_clock::time_point> settled_by_;  // set while events are being merged
  bool more_ = false;                                                // whether further events came meanwhile
  asio::steady_timer poll_;
  std::function<void()> on_change_;
  std::vector<std::filesystem::path> paths_;
  std::map<int, std::set<std::string>> names_;  // by watch: the relevant names in that folder; "" for any
  std::set<std::filesystem::path> unwatched_;   // of paths_: compared by stamps_
  Stamps stamps_;                               // of unwatched_
  std::optional<Error> problem_;
  // Handlers that are already queued may run after the destructor; they check this first.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace regsync
