// FleetSite answers the HTTP requests to regsyncd. It is read-only, and no answer contains a secret except /session's
// key.
//
//   /livez        200 if the event loop answers, else 503
//   /readyz       200 once clusters, leases and footprints were read and each context of that time was listed or cannot
//                 be; else 503. Says what it waits for, and the role of this replica
//   /metrics      for Prometheus
//   /status.json  the state of the fleet, with an ETag (sync/model/fleet_report.hpp)
//   /             a page that polls and shows /status.json
//   /session      POST with a token of `regsync dashboard` returns the key to /status.json. Both are bearer tokens
//
// A request whose Host is a name that somebody else could own gets 403, to prevent DNS rebinding. No answer allows
// another origin to read it (CORS). Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/http/dashboard_access.hpp"
#include "daemon/http/http_server.hpp"
#include "daemon/http/loop_question.hpp"
#include "sync/base/metrics.hpp"

namespace regsync {

class FleetSite {
 public:
  struct Sources {
    std::function<LoopQuestion::Report()> report;  // null if the event loop does not answer; may throw
    std::function<bool()> turns;                   // whether the event loop answers
    const Metrics& metrics;
    std::set<std::string> hosts;  // host names that clients may use, besides IP addresses
    // Whether the client of the desktop's page is a program of this user.
    std::function<bool(const HttpRequest&)> is_own = [](const HttpRequest&) { return false; };
  };
  enum class Audience {
    monitoring,  // probes and metrics, on loopback, for every program of the machine
    cluster,     // everything, for every client that the network lets in
    desktop,     // the page and its data, for clients with a token
  };

  // access must outlive this object; null unless the audience is `desktop`.
  FleetSite(Sources sources, Audience audience, DashboardAccess* access = nullptr)
      : sources_(std::move(sources)), audience_(audience), access_(access) {}

  HttpAnswer answer(const HttpRequest& request) const;

 private:
  struct Document {
    LoopQuestion::Report report;
    std::shared_ptr<const std::string> body;
    std::string etag;
  };

  [[nodiscard]] bool may_be_called(std::string_view host) const;
  [[nodiscard]] HttpAnswer livez() const;
  [[nodiscard]] HttpAnswer readyz() const;
  [[nodiscard]] HttpAnswer metrics() const;
  [[nodiscard]] HttpAnswer status(const HttpRequest& request) const;
  [[nodiscard]] HttpAnswer session(const HttpRequest& request) const;
  [[nodiscard]] Document document(const LoopQuestion::Report& report) const;

  Sources sources_;
  Audience audience_;
  DashboardAccess* access_;
  mutable std::mutex mutex_;
  mutable Document document_;  // the document of the last report
};

}  // namespace regsync
