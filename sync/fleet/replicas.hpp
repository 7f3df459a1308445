// Replicas decides which clusters this replica serves, when several share a fleet. Each cluster maps to one of N slots
// by rendezvous hash of its address, each slot is a Lease of the hub, and the holder of the Lease serves its clusters.
// The cost of leases does not grow with the number of clusters. One slot is plain active/standby.
//
// Slots are spread evenly: a replica takes no more than its share of free slots, and one with less than its share asks
// the one with the most. Lives on the io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/boottime_timer.hpp"
#include "sync/base/task_group.hpp"
#include "sync/fleet/lease.hpp"
#include "sync/kube/api/kube_client.hpp"

namespace regsync {

struct ReplicasOptions {
  std::string lease;       // name of the Lease; with several slots, "-0", "-1" … are appended
  std::size_t slots = 1;   // the same for all replicas
  std::string name_space;  // of the Leases
  std::string identity;    // this replica's: unique for each process
  LeaseTimes times = {};
};

// The slot of the cluster at this address, whatever its spelling. Stable across versions and machines; when the number
// of slots changes, few clusters move.
std::size_t slot_of(std::string_view server, std::size_t slots);

class Replicas {
 public:
  // on_change: the results of the functions below may have changed. hub must outlive this.
  Replicas(asio::any_io_executor executor, kube::KubeClient& hub, const ReplicasOptions& options,
           const std::function<void()>& on_change);

  // Since when, by BoottimeClock, this replica has served the cluster at this address; nothing if it does not at this
  // moment.
  [[nodiscard]] std::optional<BoottimeClock::time_point> mine_since(std::string_view server) const;
  // When this replica got the newest of its slots; nothing if it has none.
  [[nodiscard]] std::optional<BoottimeClock::time_point> newest() const;
  // For each slot, since when this replica has held it; nothing if it does not.
  [[nodiscard]] std::vector<std::optional<BoottimeClock::time_point>> held_since() const;
  [[nodiscard]] std::size_t held() const;
  // How many of these it already held at that moment.
  [[nodiscard]] std::size_t held_as_of(BoottimeClock::time_point moment) const;
  // Whether all Leases are settled; see Lease::settled.
  [[nodiscard]] bool settled() const;

  // The role of a replica with this many slots: "leads", "leads 3 of 8 slots", "stands by".
  [[nodiscard]] std::string role(std::size_t slots) const;
  // Who holds the other slots, whose clusters this replica does not show; nothing if it has all.
  [[nodiscard]] std::optional<Error> note(std::size_t serving) const;
  // Why a Lease can be neither read nor written.
  [[nodiscard]] std::optional<Error> problem() const;

  // Gives up all slots. Call it after the last write.
  asio::awaitable<void> stop();

 private:
  // The number of slots by holder; this replica is always included.
  [[nodiscard]] std::map<std::string, std::size_t> shares() const;
  [[nodiscard]] Lease::Intent intent(const Lease& slot) const;
  // The requester that may still get the slot; empty: nobody.
  [[nodiscard]] std::string waiting_for(const Lease& slot) const;
  [[nodiscard]] std::size_t most_of(const std::map<std::string, std::size_t>& shares) const;
  [[nodiscard]] bool has_asked() const;
  [[nodiscard]] bool is_leaving(const Lease& slot) const;

  asio::any_io_executor executor_;
  ReplicasOptions options_;
  std::vector<std::unique_ptr<Lease>> slots_;
  TaskGroup tasks_;
};

}  // namespace regsync
