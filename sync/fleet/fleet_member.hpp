// FleetMember is one replica's part in a fleet whose state is in the hub: which clusters it serves, and the footprints
// that it shares with the other replicas.
//
// A replica serves a cluster from when it holds the cluster's slot (Replicas; without a lease it holds all) and has
// read the footprints that other replicas wrote until then, up to the moment when it could lose the slot. Lives on the
// io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/boottime_timer.hpp"
#include "sync/base/coalesced_call.hpp"
#include "sync/fleet/footprint_config_maps.hpp"
#include "sync/fleet/replicas.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/config/resolved_context.hpp"

namespace regsync {

struct FleetMemberOptions {
  std::string owner;      // Owner::id, the same for all replicas
  std::string lease;      // empty: it is the only replica
  std::size_t slots = 1;  // of the lease
  LeaseTimes times = {};
};

class FleetMember {
 public:
  struct Handlers {
    // Whether this replica may write a context's footprint (Engine::may_remember).
    std::function<bool(const std::string& context)> may_remember;
    std::function<void()> on_share;       // serves() may answer differently
    std::function<void()> on_footprints;  // Engine::footprints_changed
    std::function<void()> on_change;      // the data for display changed
  };

  // The Leases and ConfigMaps are in the namespace of the hub's context.
  FleetMember(asio::any_io_executor executor, const kube::ResolvedContext& hub, FleetMemberOptions options,
              Handlers handlers);

  // Starts. Until then it serves nothing and calls no handler.
  void start();

  // As KubeClient's, for all requests to the hub.
  void use_credentials_of(const kube::ResolvedContext& hub);
  void end_pause();

  [[nodiscard]] Footprints& footprints() { return footprints_; }

  // Whether this replica serves the cluster at this address now. Cheap; does not throw.
  [[nodiscard]] bool serves(const std::string& server) const;

  // For display: "leads", "leads 3 of 8 slots", "takes over", "stands by"; empty if it is the only replica.
  [[nodiscard]] std::string role() const;
  // The number of slots whose clusters it serves: those that it holds and knows the footprints for.
  [[nodiscard]] std::size_t slots_held() const;
  // What it has not read from the hub yet, for display. Until it has, it does not serve all clusters of its slots.
  [[nodiscard]] std::vector<std::string> waits_for() const;
  // The clusters that this replica does not show, and who does; nothing if it shows all.
  [[nodiscard]] std::optional<Error> note() const;
  // Whether it holds no slot.
  [[nodiscard]] bool stands_by() const { return replicas_ && replicas_->held() == 0; }
  // Why a Lease or ConfigMap can be neither read nor written, or why clusters of this replica are not served yet.
  [[nodiscard]] std::optional<Error> problem() const;

  // Writes pending footprints and gives up its slots. Call it after the last write to a cluster.
  asio::awaitable<void> stop();

 private:
  void on_lease();
  void on_footprints();
  void log_role();
  // Whether it does not serve clusters of its slots because it does not know their footprints yet.
  [[nodiscard]] bool is_behind() const;
  [[nodiscard]] bool takes_over() const;  // one of several replicas that serves none of its clusters yet

  asio::any_io_executor executor_;
  FleetMemberOptions options_;
  Handlers handlers_;
  std::string name_space_;
  std::vector<std::optional<BoottimeClock::time_point>> held_since_;  // Replicas::held_since as last reported
  std::optional<BoottimeClock::time_point> read_for_;      // when the slot was taken that footprints were last read for
  std::optional<BoottimeClock::time_point> served_as_of_;  // FootprintConfigMaps::known_as_of as last reported
  std::string role_;                                       // as logged
  FootprintConfigMaps footprints_;
  CoalescedCall read_footprints_again_;
  kube::KubeClient hub_;
  std::optional<Replicas> replicas_;
};

}  // namespace regsync
