// Replicas decides which clusters are this replica's, where several share a fleet: each cluster has one of N slots, by
// rendezvous hash of its address, each slot is a Lease of the hub, and who holds the Lease serves the clusters. The
// cost of leases does not grow with clusters. One slot is plain active and standby.
//
// Slots are spread evenly: a replica takes no more than its share of free ones, and one that has less than its share
// asks the one that has most. Lives on the io_context thread.
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
  std::string lease;       // name of the Lease; of several, "-0", "-1" … are appended
  std::size_t slots = 1;   // the same for all replicas
  std::string name_space;  // of the Leases
  std::string identity;    // of this replica: unique for each process
  LeaseTimes times = {};
};

// The slot of the cluster at this address, however it is spelled. Stable over versions and machines; with another
// number of slots few clusters get another one.
std::size_t slot_of(std::string_view server, std::size_t slots);

class Replicas {
 public:
  // on_change: what the functions below answer may differ. hub outlives this.
  Replicas(asio::any_io_executor executor, kube::KubeClient& hub, const ReplicasOptions& options,
           const std::function<void()>& on_change);

  // Since when the cluster at this address is this replica's; nothing where it is not. As of this moment, by
  // BoottimeClock.
  [[nodiscard]] std::optional<BoottimeClock::time_point> mine_since(std::string_view server) const;
  // When the newest of its slots became this replica's; nothing where it has none.
  [[nodiscard]] std::optional<BoottimeClock::time_point> newest() const;
  // Of each slot, since when it is this replica's; nothing where it is not.
  [[nodiscard]] std::vector<std::optional<BoottimeClock::time_point>> held_since() const;
  [[nodiscard]] std::size_t held() const;
  // How many of these were this replica's at that moment already.
  [[nodiscard]] std::size_t held_as_of(BoottimeClock::time_point moment) const;
  // Whether all Leases are: see Lease::settled.
  [[nodiscard]] bool settled() const;

  // Of a replica with so many slots: "leads", "leads 3 of 8 slots", "stands by".
  [[nodiscard]] std::string role(std::size_t slots) const;
  // Who has the other slots, whose clusters this replica does not show; nothing where it has all.
  [[nodiscard]] std::optional<Error> note(std::size_t serving) const;
  // Why a Lease can be neither read nor written.
  [[nodiscard]] std::optional<Error> problem() const;

  // Gives all slots up. Call it when nothing is written any more.
  asio::awaitable<void> stop();

 private:
  // By holder, how many slots; this replica is always there.
  [[nodiscard]] std::map<std::string, std::size_t> shares() const;
  [[nodiscard]] Lease::Intent intent(const Lease& slot) const;
  // Who may still get it of those that asked; empty: nobody.
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
