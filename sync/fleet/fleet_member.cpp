#include "sync/fleet/fleet_member.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <random>
#include <utility>

#include "sync/base/log.hpp"
#include "sync/fleet/hub_right.hpp"

namespace regsync {

namespace {

// Unique for each replica, and readable: the pod's name comes first.
std::string new_identity() {
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) {
    host.front() = '\0';
  }
  std::random_device random;
  return std::string(host.data()) + "_" + std::to_string(getpid()) + "_" + std::to_string(random());
}

}  // namespace

FleetMember::FleetMember(asio::any_io_executor executor, const kube::ResolvedContext& hub, FleetMemberOptions options,
                         Handlers handlers)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      name_space_(hub.default_namespace),
      footprints_(executor_, hub.clone(), {.name_space = hub.default_namespace, .owner = options_.owner},
                  {.may_write = handlers_.may_remember, .on_change = [this] { on_footprints(); }}),
      hub_(executor_, hub.clone()) {
  // As client-go (resourcelock.NewFromKubeconfig): one request that hangs must not cost the Lease.
  hub_.limit_requests(std::max<std::chrono::milliseconds>(std::chrono::seconds(1), options_.times.deadline / 2));
}

void FleetMember::start() {
  footprints_.start();
  if (!options_.lease.empty()) {
    replicas_.emplace(executor_, hub_,
                      ReplicasOptions{.lease = options_.lease,
                                      .slots = options_.slots,
                                      .name_space = name_space_,
                                      .identity = new_identity(),
                                      .times = options_.times},
                      [this] { on_lease(); });
  }
}

void FleetMember::use_credentials_of(const kube::ResolvedContext& hub) {
  footprints_.use_credentials_of(hub.clone());
  hub_.use_credentials_of(hub.clone());
}

void FleetMember::end_pause() {
  footprints_.end_pause();
  hub_.end_pause();
}

bool FleetMember::serves(const std::string& server) const {
  const auto known = footprints_.known_as_of();
  if (!known || options_.lease.empty()) {
    return known.has_value();
  }
  const auto since = replicas_ ? replicas_->mine_since(server) : std::nullopt;
  return since && *known >= *since;
}

void FleetMember::on_lease() {
  if (const auto newest = replicas_->newest(); newest && (!read_for_ || *newest > *read_for_)) {
    read_for_ = newest;
    footprints_.read_again();
  }
  if (auto now = replicas_->role(); now != role_) {
    role_ = std::move(now);
    log::info("this replica " + role_ + " (lease " + options_.lease + ")");
  }
  handlers_.on_share();
  handlers_.on_change();
}

void FleetMember::on_footprints() {
  if (const auto known = footprints_.known_as_of(); known != served_as_of_) {
    served_as_of_ = known;
    handlers_.on_share();
  }
  handlers_.on_footprints();
  handlers_.on_change();
}

std::string FleetMember::role() const { return replicas_ ? replicas_->role() : std::string(); }

std::size_t FleetMember::slots_held() const { return replicas_ ? replicas_->held() : 0; }

std::vector<std::string> FleetMember::waits_for() const {
  std::vector<std::string> things;
  if (!footprints_.known_as_of()) {
    things.emplace_back("the footprints in ConfigMaps of the hub");
  }
  if (!options_.lease.empty() && !(replicas_ && replicas_->seen())) {
    things.push_back("the lease " + options_.lease);
  }
  return things;
}

std::optional<Error> FleetMember::note() const { return replicas_ ? replicas_->note() : std::nullopt; }

std::optional<Error> FleetMember::problem() const {
  if (auto problem = replicas_ ? replicas_->problem() : std::nullopt) {
    return problem;
  }
  const auto& problem = footprints_.problem();
  return problem ? std::optional(with_hub_right(problem->within("footprints cannot be kept in ConfigMaps of the hub"),
                                                "create, get, list, watch, patch and delete configmaps", name_space_))
                 : std::nullopt;
}

asio::awaitable<void> FleetMember::stop() {
  co_await footprints_.stop();
  if (replicas_) {
    co_await replicas_->stop();
  }
}

}  // namespace regsync
