#include "sync/fleet/replicas.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include "helper/base/text.hpp"
#include "sync/fleet/hub_right.hpp"
#include "sync/kube/http/url.hpp"

namespace regsync {

namespace {

// FNV-1a, followed by the finalizer of splitmix64, without which similar addresses get similar weights.
std::uint64_t weight(std::string_view address, std::size_t slot) {
  std::uint64_t hash = 0xcbf29ce484222325U ^ (slot * 0x9e3779b97f4a7c15U);
  for (const char c : address) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
  hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
  return hash ^ (hash >> 31U);
}

// Normalizes the spelling of an address: without its scheme's default port.
std::string address_of(std::string_view server) {
  auto url = kube::parse_url(server);
  if (!url) {
    return std::string(server);
  }
  url->has_port = url->port != (url->scheme == "https" ? "443" : "80");
  return url->base();
}

}  // namespace

std::size_t slot_of(std::string_view server, std::size_t slots) {
  if (slots == 1) {
    return 0;
  }
  const std::string address = address_of(server);
  std::size_t best = 0;
  for (std::size_t slot = 1; slot < slots; ++slot) {
    if (weight(address, slot) > weight(address, best)) {
      best = slot;
    }
  }
  return best;
}

Replicas::Replicas(asio::any_io_executor executor, kube::KubeClient& hub, const ReplicasOptions& options,
                   const std::function<void()>& on_change)
    : executor_(std::move(executor)), options_(options), tasks_(executor_) {
  for (std::size_t slot = 0; slot < options.slots; ++slot) {
    const std::string name = options.slots == 1 ? options.lease : options.lease + "-" + std::to_string(slot);
    slots_.push_back(std::make_unique<Lease>(
        executor_, hub,
        LeaseOptions{
            .name = name, .name_space = options.name_space, .identity = options.identity, .times = options.times},
        Lease::Handlers{.intent = [this](const Lease& of) { return intent(of); }, .on_change = on_change}));
  }
}

std::optional<BoottimeClock::time_point> Replicas::mine_since(std::string_view server) const {
  const Lease& slot = *slots_.at(slot_of(server, slots_.size()));
  return slot.held() ? std::optional(slot.held_since()) : std::nullopt;
}

std::vector<std::optional<BoottimeClock::time_point>> Replicas::held_since() const {
  std::vector<std::optional<BoottimeClock::time_point>> since;
  since.reserve(slots_.size());
  for (const auto& slot : slots_) {
    since.push_back(slot->held() ? std::optional(slot->held_since()) : std::nullopt);
  }
  return since;
}

std::optional<BoottimeClock::time_point> Replicas::newest() const {
  return std::ranges::max(held_since());  // nullopt sorts before any time
}

std::size_t Replicas::held() const {
  return static_cast<std::size_t>(std::ranges::count_if(slots_, [](const auto& slot) { return slot->held(); }));
}

std::size_t Replicas::held_as_of(BoottimeClock::time_point moment) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(held_since(), [&](const auto& since) { return since && *since <= moment; }));
}

bool Replicas::settled() const {
  return std::ranges::all_of(slots_, [](const auto& slot) { return slot->settled(); });
}

std::string Replicas::role(std::size_t slots) const {
  if (slots == 0) {
    return "stands by";
  }
  return slots_.size() == 1 ? "leads"
                            : "leads " + std::to_string(slots) + " of " + std::to_string(slots_.size()) + " slots";
}

std::optional<Error> Replicas::note(std::size_t serving) const {
  if (serving == slots_.size()) {
    return std::nullopt;
  }
  std::set<std::string> holders;
  for (const auto& slot : slots_) {
    if (const auto holder = slot->holder(); !holder.empty() && holder != options_.identity) {
      holders.insert(holder);
    }
  }
  const std::string who = join(holders);
  if (serving > 0) {
    return Error(ErrorCode::already_exists,
                 "this replica " + role(serving) + ", and shows their clusters alone; the others are those of " +
                     (who.empty() ? "no replica yet" : who),
                 "ask each replica for its own");
  }
  return Error(ErrorCode::already_exists,
               "this replica stands by, and writes nothing: " +
                   (who.empty() ? "no replica holds the lease " + options_.lease + " yet"
                                : who + (holders.size() == 1 ? " holds" : " hold") + " the lease " + options_.lease),
               "nothing to do: it takes over when a holder ends");
}

std::optional<Error> Replicas::problem() const {
  const auto failing = std::ranges::find_if(slots_, [](const auto& slot) { return slot->problem().has_value(); });
  if (failing == slots_.end()) {
    return std::nullopt;
  }
  const Lease& slot = **failing;
  return with_hub_right(slot.problem()->within("the lease " + slot.name() + " of this replica"),
                        "create, get, list, watch and patch leases", options_.name_space);
}

std::map<std::string, std::size_t> Replicas::shares() const {
  std::map<std::string, std::size_t> shares{{options_.identity, 0}};
  for (const auto& slot : slots_) {
    const auto asking = slot->requested_by();
    if (!asking.empty()) {
      shares.try_emplace(asking, 0);
    }
    // A slot that this replica is giving up counts for its requester.
    const auto holder = is_leaving(*slot) ? asking : slot->holder();
    if (!holder.empty()) {
      ++shares[holder];
    }
  }
  return shares;
}

bool Replicas::is_leaving(const Lease& slot) const { return !slot.held() && slot.holder() == options_.identity; }

// A request is obsolete if somebody else took the slot, or if its holder has already given up its surplus: it is not
// granted, and does not keep others from asking.
std::string Replicas::waiting_for(const Lease& slot) const {
  std::string asking = slot.requested_by();
  if (asking.empty() || is_leaving(slot)) {
    return asking;
  }
  const auto all = shares();
  const std::string holder = slot.holder();
  const bool may_get_it = holder.empty() ? all.at(asking) < most_of(all) : all.at(holder) > all.at(asking) + 1;
  return may_get_it ? asking : std::string();
}

std::size_t Replicas::most_of(const std::map<std::string, std::size_t>& shares) const {
  return (slots_.size() + shares.size() - 1) / shares.size();
}

bool Replicas::has_asked() const {
  return std::ranges::any_of(slots_, [this](const auto& slot) { return waiting_for(*slot) == options_.identity; });
}

Lease::Intent Replicas::intent(const Lease& slot) const {
  using Intent = Lease::Intent;
  const auto all = shares();
  const std::size_t mine = all.at(options_.identity);
  const std::string holder = slot.holder();
  const std::string waiting = waiting_for(slot);
  const bool for_other = !waiting.empty() && waiting != options_.identity;
  if (holder == options_.identity) {
    return for_other ? Intent::leave : Intent::hold;
  }
  if (holder.empty()) {
    const bool has_its_share = mine >= slots_.size() / all.size();
    return mine < most_of(all) && !(for_other && has_its_share) ? Intent::hold : Intent::leave;
  }
  const bool has_most = std::ranges::all_of(all, [&](const auto& other) { return other.second <= all.at(holder); });
  return has_most && all.at(holder) > mine + 1 && !for_other && !has_asked() ? Intent::request : Intent::leave;
}

asio::awaitable<void> Replicas::stop() {
  for (const auto& slot : slots_) {
    tasks_.spawn(slot->stop(), [](const std::optional<Error>&) {});
  }
  co_await tasks_.ended();
}

}  // namespace regsync
