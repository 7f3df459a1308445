// FleetWeb listens for HTTP on up to three addresses: --listen in a cluster, metrics.listen of the settings for
// Prometheus on the same machine, and loopback for the desktop's page after the first open_dashboard().
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
    std::string listen;           // --listen: HOST:PORT, or :PORT for all addresses; empty: do not listen
    std::set<std::string> hosts;  // --allow-host
  };

  // metrics must outlive this object. make_report returns the current report. on_change is called when a retry changes
  // problems().
  FleetWeb(const asio::any_io_executor& executor, const Options& options, const Metrics& metrics,
           std::function<LoopQuestion::Report()> make_report, const std::function<void()>& on_change);

  // Listens on metrics.listen of the settings; empty: on no address.
  void serve_metrics(const std::string& address) { monitoring_.listen(address); }

  // Returns the URL of the page for a browser of the same user, with a token that is valid once. Throws Error.
  std::string open_dashboard();

  // Why it does not listen on configured addresses. Nothing else depends on that.
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
