#include "daemon/metrics_exporter.hpp"

#include <prometheus/exposer.h>
#include <prometheus/registry.h>

#include <chrono>
#include <utility>

#include "helper/base/file_io.hpp"
#include "sync/base/guard.hpp"
#include "sync/base/log.hpp"

namespace regsync {

namespace {

// node_exporter is scraped every 15 s or slower: fresher than that is work for nothing.
constexpr auto file_interval = std::chrono::seconds(5);

// A port that another program had may be free again.
constexpr auto listen_again = std::chrono::seconds(10);

constexpr unsigned file_mode = 0644;  // read by node_exporter's user; it holds names only

}  // namespace

MetricsExporter::MetricsExporter(const asio::any_io_executor& executor, const Metrics& metrics)
    : metrics_(metrics),
      writing_(executor, file_interval, "metrics", [this] { write_file(); }),
      listening_(executor, listen_again, "metrics", [this] { listen(); }) {}

MetricsExporter::~MetricsExporter() = default;

void MetricsExporter::configure(const Settings& settings) {
  if (settings.metrics_listen != listen_) {
    listen_ = settings.metrics_listen;
    exposer_.reset();
    listen();
  }
  if (settings.metrics_file != file_) {
    file_ = settings.metrics_file;
    file_problem_.reset();
  }
  write_file();
}

void MetricsExporter::listen() {
  if (exposer_ || listen_.empty()) {
    listen_problem_.reset();
    return;
  }
  const auto failed = guarded([&] {
    exposer_ = std::make_unique<prometheus::Exposer>(listen_, 1);
    exposer_->RegisterCollectable(metrics_.registry());
  });
  if (failed) {
    exposer_.reset();
    note(listen_problem_, Error(ErrorCode::invalid_input, "metrics cannot be served on " + listen_,
                                "see which program listens there (ss -ltnp), or change metrics.listen in config.yaml"));
    listening_.ask();
  } else {
    note(listen_problem_, std::nullopt);
  }
}

std::vector<Error> MetricsExporter::problems() const {
  std::vector<Error> problems;
  for (const auto& problem : {listen_problem_, file_problem_}) {
    if (problem) {
      problems.push_back(*problem);
    }
  }
  return problems;
}

void MetricsExporter::changed() {
  if (!file_.empty()) {
    writing_.ask();
  }
}

void MetricsExporter::write_file() {
  if (!file_.empty()) {
    note(file_problem_, guarded([&] { write_whole(file_, metrics_.text(), file_mode); }));
  }
}

void MetricsExporter::note(std::optional<Error>& problem, std::optional<Error> now) {
  if (now && problem != now) {
    log::warning(describe(*now));
  }
  problem = std::move(now);
}

}  // namespace regsync
