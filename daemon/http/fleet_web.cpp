#include "daemon/http/fleet_web.hpp"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "daemon/http/peer_owner.hpp"

namespace regsync {

namespace {

// Shorter than the timeouts of kubelet's probes and Prometheus when they are configured generously.
constexpr auto answer_time = std::chrono::seconds(5);

}  // namespace

FleetWeb::FleetWeb(const asio::any_io_executor& executor, const Options& options, const Metrics& metrics,
                   std::function<LoopQuestion::Report()> make_report, const std::function<void()>& on_change)
    : question_(executor, std::move(make_report)),
      cluster_site_(sources(metrics, options.hosts), FleetSite::Audience::cluster),
      monitoring_site_(sources(metrics, {}), FleetSite::Audience::monitoring),
      desktop_site_(sources(metrics, {}), FleetSite::Audience::desktop, &access_),
      cluster_(
          executor, [this](const HttpRequest& request) { return cluster_site_.answer(request); }, on_change),
      monitoring_(
          executor, [this](const HttpRequest& request) { return monitoring_site_.answer(request); }, on_change),
      desktop_(executor, [this](const HttpRequest& request) { return desktop_site_.answer(request); }, on_change) {
  cluster_.listen(options.listen);
}

FleetSite::Sources FleetWeb::sources(const Metrics& metrics, std::set<std::string> hosts) const {
  return {
      .report = [this] { return question_.ask(answer_time); },
      .turns = [this] { return question_.turns(answer_time); },
      .metrics = metrics,
      .hosts = std::move(hosts),
      .is_own =
          [](const HttpRequest& request) { return owner_of_peer(request.peer_port, request.own_port) == ::getuid(); }};
}

std::string FleetWeb::open_dashboard() {
  desktop_.listen("127.0.0.1:0");
  if (const auto& problem = desktop_.problem()) {
    throw Error(*problem);
  }
  // After "#", so that no server receives or logs it.
  return "http://127.0.0.1:" + std::to_string(desktop_.port()) +
         "/#token=" + access_.make_token(DashboardAccess::Clock::now());
}

std::vector<Error> FleetWeb::problems() const {
  std::vector<Error> problems;
  for (const auto& problem : {cluster_.problem(), monitoring_.problem()}) {
    if (problem) {
      problems.push_back(*problem);
    }
  }
  return problems;
}

void FleetWeb::close() {
  question_.close();  // first, because the servers wait for their requests
  cluster_.close();
  monitoring_.close();
  desktop_.close();
}

}  // namespace regsync
