// inotify on files that are edited, renamed over, created or deleted by others: "look again", never what changed.
//
// A file is followed through its folder (editors and kubectl replace files by renaming), through the nearest folder
// that exists while its own does not, and through a symbolic link to where the file really is. A burst of events is
// one call. Lives on the io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace regsync {

class FileMonitor {
 public:
  // Throws Error(internal) where the kernel gives no inotify instance.
  FileMonitor(const asio::any_io_executor& executor, std::function<void()> on_change);

  // Follows exactly these files and folders (of a folder: everything directly in it).
  void follow(std::vector<std::filesystem::path> paths);

 private:
  void watch(const std::filesystem::path& path);
  void add(const std::filesystem::path& folder, const std::string& name);
  void arm();
  void on_readable();
  [[nodiscard]] bool drain();

  asio::posix::stream_descriptor inotify_;
  asio::steady_timer settle_;
  std::function<void()> on_change_;
  std::vector<std::filesystem::path> paths_;
  std::map<int, std::set<std::string>> names_;  // by watch: the names in that folder that matter; "" for any
};

}  // namespace regsync
