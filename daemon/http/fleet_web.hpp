// Listens for HTTP: on the address of --listen for a cluster, on the one of the settings for Prometheus on the same
// machine, and on loopback for the page of a desktop once somebody asks for it.
//
// Lives on the io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "daemon/http/dashboard_access.hpp"
#include "daemon/http/fleet_site.hpp"
#include "daemon/http/listener.hpp"
#include "daemon/http/loop_question.hpp"
#include "helper/base/error.hpp"
#include "sync/base/metrics.hpp"

namespace regsync {

class FleetWeb {
 public:
  struct Options {
    std::string listen;           // --listen: HOST:PORT, or :PORT for all addresses; empty: nowhere
    std::set<std::string> hosts;  // --allow-host
  };

  // metrics outlives this. make_report: of how everything is now. on_change: problems() differs, by itself.
  FleetWeb(const asio::any_io_executor& executor, const Options& options, const Metrics& metrics,
           std::function<LoopQuestion::Report()> make_report, const std::function<void()>& on_change);

  // metrics.listen of the settings; empty: nowhere.
  void serve_metrics(const std::string& address) { monitoring_.listen(address); }

  // Where a browser of the same user finds the page, with a token that counts once. Throws Error.
  std::string open_dashboard();

  // Why it does not listen somewhere; nothing else depends on it.
  [[nodiscard]] std::vector<Error> problems() const;

  void close();

 private:
  [[nodiscard]] FleetSite::Sources sources(const Metrics& metrics, std::set<std::string> hosts) const;

  LoopQuestion question_;
  DashboardAccess access_;
  FleetSite cluster_site_;
  FleetSite monitoring_site_;
  FleetSite desktop_site_;
  Listener cluster_;
  Listener monitoring_;
  Listener desktop_;
};

}  // namespace regsync
