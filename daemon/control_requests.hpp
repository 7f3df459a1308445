// ControlRequests executes the requests of `regsync` (sync/control/requests.hpp); a table maps each method to a
// function.
//
// Owned by the Daemon; the Parts must outlive it. Lives on the io_context thread; each request is a coroutine. A failed
// request throws an Error, which is sent to the client unchanged.
#pragma once

#include <asio/awaitable.hpp>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/declared_targets.hpp"
#include "daemon/fleet_view.hpp"
#include "daemon/hub.hpp"
#include "daemon/leadership.hpp"
#include "sync/engine/engine.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/model/status_query.hpp"

namespace regsync {

class ControlRequests {
 public:
  struct Parts {
    Engine& engine;
    DeclaredTargets& targets;
    const Footprints& footprints;
    Leadership& leadership;
    const FleetView& view;
    const Hub& hub;
    std::function<void()> read_again;  // settings, targets and clusters; ends the hub's pause after errors
    std::function<void()> read_logins_again;
    std::function<std::string()> open_dashboard;  // returns its URL
  };

  explicit ControlRequests(Parts parts);

  // Executes any method except `status` and `subscribe`. Throws Error.
  asio::awaitable<nlohmann::json> call(std::string method, nlohmann::json params) const;

  // Returns the requested status: of some targets or all, in rows or as a summary. Throws Error(not_found).
  [[nodiscard]] nlohmann::json status(const StatusQuery& query) const;

 private:
  struct Method;
  static const Method& method_of(std::string_view name);

  asio::awaitable<nlohmann::json> sync(nlohmann::json params) const;
  asio::awaitable<nlohmann::json> remove(nlohmann::json params) const;
  asio::awaitable<nlohmann::json> declare(nlohmann::json params) const;
  asio::awaitable<nlohmann::json> forgettable_contexts(nlohmann::json params) const;
  asio::awaitable<nlohmann::json> forget_contexts(nlohmann::json params) const;
  asio::awaitable<nlohmann::json> trust_context(nlohmann::json params) const;
  asio::awaitable<nlohmann::json> pause_context(nlohmann::json params) const;
  asio::awaitable<nlohmann::json> dashboard(nlohmann::json params) const;

  asio::awaitable<void> sync_as_leader(std::vector<std::string> targets, bool adopt) const;
  [[nodiscard]] nlohmann::json complete(StatusReport report) const;
  void require_known(const std::vector<std::string>& targets) const;
  [[nodiscard]] bool is_known(const std::string& target) const;
  [[nodiscard]] Error cannot_pause(const std::string& context) const;

  Parts parts_;
};

}  // namespace regsync
