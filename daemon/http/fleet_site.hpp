// Answers the HTTP requests to regsyncd. Read-only, and no secret is in any of it.
//
//   /livez        200 where the event loop answers
//   /readyz       200 once clusters, leases and footprints were read and each context of that time was listed or cannot
//                 be; else 503 with what it waits for, and whether this replica leads
//   /metrics      for Prometheus
//   /status.json  the state of the fleet, with an ETag (sync/model/fleet_report.hpp)
//   /             a page that shows /status.json and asks for it again
//   /session      POST of a token of `regsync dashboard`: the key to /status.json. Both are bearer tokens
//
// A request whose Host is a name that somebody else could own gets 403, so that no foreign page reads this through a
// name that resolves here (DNS rebinding). No answer allows another origin to read it (CORS). Thread-safe.
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
    std::function<LoopQuestion::Report()> report;  // null where the event loop does not answer; may throw
    std::function<bool()> turns;                   // whether the event loop answers
    const Metrics& metrics;
    std::set<std::string> hosts;  // names by which clients may call it, besides its addresses
    // Whether a client of the desktop's page is a program of this user.
    std::function<bool(const HttpRequest&)> is_own = [](const HttpRequest&) { return false; };
  };
  enum class Audience {
    monitoring,  // probes and metrics: on loopback, for any program of the machine
    cluster,     // everything: for whoever the network lets in
    desktop,     // the page and its data, for whoever has a token
  };

  // access: of a desktop's page, outlives this; null for others.
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
  mutable Document document_;  // the last one
};

}  // namespace regsync
