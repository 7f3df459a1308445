#include "sync/fleet/fleet_member.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "sync/base/host_name.hpp"
#include "sync/base/log.hpp"
#include "sync/fleet/hub_right.hpp"

namespace regsync {

namespace {

// The slots of a replica that ended are taken one after the other: one list of the footprints serves several of them.
constexpr auto read_again_delay = std::chrono::milliseconds(300);

constexpr const char* footprints_in_hub = "the footprints in ConfigMaps of the hub";

// Unique for each replica, and readable: starts with the pod's name.
std::string new_identity() {
  std::random_device random;
  return this_host() + "_" + std::to_string(getpid()) + "_" + std::to_string(random());
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
      read_footprints_again_(executor_, read_again_delay, "footprints", [this] { footprints_.read_again(); }),
      hub_(executor_, hub.clone()) {
  // Like client-go (resourcelock.NewFromKubeconfig): one request that hangs must not cost the Lease.
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
  if (is_behind() && footprints_.problem()) {
    footprints_.read_again();
  }
}

bool FleetMember::serves(const std::string& server) const {
  const auto known = footprints_.known_as_of();
  if (!known || options_.lease.empty()) {
    return known.has_value();
  }
  const auto since = replicas_ ? replicas_->mine_since(server) : std::nullopt;
  return since && *known >= *since;
}

// The holders of other slots, and errors of reading a Lease, do not affect what this replica serves.
void FleetMember::on_lease() {
  if (const auto newest = replicas_->newest(); newest && (!read_for_ || *newest > *read_for_)) {
    read_for_ = newest;
    read_footprints_again_.ask();
  }
  log_role();
  if (auto now = replicas_->held_since(); now != held_since_) {
    held_since_ = std::move(now);
    handlers_.on_share();
  }
  handlers_.on_change();
}

void FleetMember::log_role() {
  if (auto now = role(); now != role_) {
    role_ = std::move(now);
    log::info("this replica " + role_ + " (lease " + options_.lease + ")");
  }
}

void FleetMember::on_footprints() {
  if (const auto known = footprints_.known_as_of(); known != served_as_of_) {
    served_as_of_ = known;
    log_role();
    handlers_.on_share();
  }
  handlers_.on_footprints();
  handlers_.on_change();
}

bool FleetMember::is_behind() const {
  const auto known = footprints_.known_as_of();
  if (options_.lease.empty()) {
    return !known;
  }
  const auto newest = replicas_ ? replicas_->newest() : std::nullopt;
  return newest && (!known || *known < *newest);
}

bool FleetMember::takes_over() const { return slots_held() == 0 && is_behind(); }

std::string FleetMember::role() const {
  if (!replicas_) {
    return {};
  }
  return takes_over() ? "takes over" : replicas_->role(slots_held());
}

std::size_t FleetMember::slots_held() const {
  const auto known = footprints_.known_as_of();
  return replicas_ && known ? replicas_->held_as_of(*known) : 0;
}

std::vector<std::string> FleetMember::waits_for() const {
  std::vector<std::string> things;
  if (!footprints_.known_as_of() || is_behind()) {
    things.emplace_back(footprints_in_hub);
  }
  if (!options_.lease.empty() && !(replicas_ && replicas_->settled())) {
    things.push_back("the lease " + options_.lease);
  }
  return things;
}

std::optional<Error> FleetMember::note() const {
  // problem() reports a takeover.
  return replicas_ && !takes_over() ? replicas_->note(slots_held()) : std::nullopt;
}

std::optional<Error> FleetMember::problem() const {
  if (auto problem = replicas_ ? replicas_->problem() : std::nullopt) {
    return problem;
  }
  if (const auto& problem = footprints_.problem()) {
    return with_hub_right(problem->within("footprints cannot be kept in ConfigMaps of the hub"),
                          "create, get, list, watch, patch and delete configmaps", name_space_);
  }
  if (is_behind()) {
    return Error(ErrorCode::timeout,
                 "clusters of this replica are not served until it has read " + std::string(footprints_in_hub),
                 "nothing to do: that takes a moment");
  }
  return std::nullopt;
}

asio::awaitable<void> FleetMember::stop() {
  read_footprints_again_.cancel();
  co_await footprints_.stop();
  if (replicas_) {
    co_await replicas_->stop();
  }
}

}  // namespace regsync
