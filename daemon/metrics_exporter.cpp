#include "daemon/metrics_exporter.hpp"

#include <prometheus/exposer.h>
#include <prometheus/registry.h>

#include <chrono>
#include <exception>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "sync/base/log.hpp"

namespace regsync {

namespace {

// node_exporter is scraped every 15 s or slower: fresher than that is work for nothing.
constexpr auto file_interval = std::chrono::seconds(5);

constexpr unsigned file_mode = 0644;  // read by node_exporter's user; it holds names only

}  // namespace

MetricsExporter::MetricsExporter(const asio::any_io_executor& executor, const Metrics& metrics)
    : metrics_(metrics), writing_(executor, file_interval, [this] { write_file(); }) {}

MetricsExporter::~MetricsExporter() = default;

void MetricsExporter::configure(const Settings& settings) {
  file_ = settings.metrics_file;
  if (settings.metrics_listen != listen_) {
    listen_ = settings.metrics_listen;
    exposer_.reset();
    if (!listen_.empty()) {
      try {
        exposer_ = std::make_unique<prometheus::Exposer>(listen_, 1);
        exposer_->RegisterCollectable(metrics_.registry());
      } catch (const std::exception&) {
        log::error("metrics cannot be served on " + listen_ + "; see whether another program listens there");
        listen_.clear();
      }
    }
  }
  write_file();
}

void MetricsExporter::changed() {
  if (!file_.empty()) {
    writing_.ask();
  }
}

void MetricsExporter::write_file() {
  if (file_.empty()) {
    return;
  }
  try {
    write_whole(file_, metrics_.text(), file_mode);
  } catch (const Error& error) {
    log::error(describe(error));
  }
}

}  // namespace regsync
