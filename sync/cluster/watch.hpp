// One list + watch of a cluster: what is known of it, and what it does. Plain data; owned by ClusterWatches, whose
// coroutine for it shares it.
#pragma once

#include <asio/cancellation_signal.hpp>
#include <optional>
#include <utility>
#include <variant>

#include "helper/base/error.hpp"
#include "sync/cluster/cluster_cache.hpp"
#include "sync/cluster/label_gaps.hpp"
#include "sync/cluster/watch_plan.hpp"

namespace regsync {

//   FirstList -> Following: complete
//   Following, Holding -> Relisting: 410, relist(), a name that a watch by label has not listed
//   Relisting -> Following: complete
//   Following <-> Holding: hold, release
//   FirstList, Following, Relisting -> Forbidden: 403, or an object that the API server cannot decode
//   Forbidden -> Following: complete
//   any -> Ended
//
// Believed in Following, Holding and Relisting: the cache is, or was at the last complete list and all events since,
// what the server has. Listing in FirstList, Relisting and Forbidden: the objects that come are those of a list. Ended
// comes from any state, and is the last one: events that still arrive are ignored.
struct Watch {
  struct FirstList {};
  struct Following {};
  struct Relisting {};
  struct Holding {};  // the stream is cancelled, to go on from where it was
  struct Forbidden {
    Error why;
  };
  struct Ended {};

  const WatchId id;
  asio::cancellation_signal cancel;
  std::variant<FirstList, Following, Relisting, Holding, Forbidden, Ended> state;
  // Why the last list or watch failed; nothing while it works, and in Holding, Forbidden and Ended.
  std::optional<Error> problem;
  bool lists_fail = false;    // problem: lists are not answered either, so that nothing is seen
  Generation generation = 0;  // of the newest list of it
  UnlistedNames unlisted;     // by label only: it is not believed about these
  int refusals = 0;           // how often it was forbidden of late

  explicit Watch(WatchId of) : id(std::move(of)) {}

  template <typename State>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<State>(state);
  }
  [[nodiscard]] bool believed() const { return is<Following>() || is<Holding>() || is<Relisting>(); }
  [[nodiscard]] bool listing() const { return is<FirstList>() || is<Relisting>() || is<Forbidden>(); }
  [[nodiscard]] bool answered() const { return believed() || is<Forbidden>(); }
  [[nodiscard]] std::optional<Error> forbidden() const {
    const auto* forbidden = std::get_if<Forbidden>(&state);
    return forbidden == nullptr ? std::nullopt : std::optional(forbidden->why);
  }
};

}  // namespace regsync
