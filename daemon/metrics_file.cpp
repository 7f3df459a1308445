#include "daemon/metrics_file.hpp"

#include <chrono>
#include <utility>

#include "helper/base/file_io.hpp"
#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

// node_exporter is scraped every 15 s or less often, so a shorter interval would be useless.
constexpr auto file_interval = std::chrono::seconds(5);

constexpr unsigned file_mode = 0644;  // readable for node_exporter's user; the file contains only names and counts

}  // namespace

MetricsFile::MetricsFile(const asio::any_io_executor& executor, std::function<std::string()> text,
                         std::function<void()> on_change)
    : text_(std::move(text)),
      on_change_(std::move(on_change)),
      writing_(executor, file_interval, "metrics", [this] { write_again(); }) {}

void MetricsFile::configure(const std::filesystem::path& file) {
  if (file == file_ && !problem_) {
    changed();
    return;
  }
  file_ = file;
  problem_.reset();
  write();
}

void MetricsFile::changed() {
  if (!file_.empty()) {
    writing_.ask();
  }
}

void MetricsFile::write_again() {
  const auto before = problem_;
  write();
  if (problem_ != before) {
    on_change_();
  }
}

void MetricsFile::write() {
  if (file_.empty()) {
    return;
  }
  auto problem = guarded([&] { write_whole(file_, text_(), file_mode); });
  if (problem && problem != problem_) {
    log::warning(describe(*problem));
  }
  problem_ = std::move(problem);
}

}  // namespace regsync
