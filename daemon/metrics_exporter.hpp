// Shows Metrics to Prometheus, where the settings ask for it: over HTTP on a loopback address, or as a text file for
// node_exporter's textfile collector. Off by default.
//
// Lives on the io_context thread; the HTTP listener has threads of its own (prometheus-cpp), which only read.
#pragma once

#include <asio/any_io_executor.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/coalesced_call.hpp"
#include "helper/base/error.hpp"
#include "sync/base/metrics.hpp"
#include "sync/config/settings.hpp"

namespace prometheus {
class Exposer;
}

namespace regsync {

class MetricsExporter {
 public:
  // metrics outlives this.
  MetricsExporter(const asio::any_io_executor& executor, const Metrics& metrics);
  ~MetricsExporter();
  MetricsExporter(const MetricsExporter&) = delete;
  MetricsExporter& operator=(const MetricsExporter&) = delete;
  MetricsExporter(MetricsExporter&&) = delete;
  MetricsExporter& operator=(MetricsExporter&&) = delete;

  // Listens and writes as the settings say from now on. An occupied port is tried again.
  void configure(const Settings& settings);

  // Why metrics are not served or written now; nothing else depends on it.
  [[nodiscard]] std::vector<Error> problems() const;

  // Something was counted: the file is written soon, many changes at once.
  void changed();

 private:
  void listen();
  void write_file();
  static void note(std::optional<Error>& problem, std::optional<Error> now);

  const Metrics& metrics_;
  CoalescedCall writing_;
  CoalescedCall listening_;  // again
  std::optional<Error> listen_problem_;
  std::optional<Error> file_problem_;
  std::string listen_;
  std::filesystem::path file_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace regsync
