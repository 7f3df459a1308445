// Watch is one list + watch of a cluster: its scope, state and problem. Plain data; owned by ClusterWatches and shared
// with the coroutine that runs it.
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
// believed() in Following, Holding and Relisting: the cache matches the server, or did as of the last complete list and
// all events since. listing() in FirstList, Relisting and Forbidden: incoming objects belong to a list. Ended is final:
// events that still arrive are ignored.
struct Watch {
  struct FirstList {};
  struct Following {};
  struct Relisting {};
  struct Holding {};  // the stream is cancelled and later resumes from the same point
  struct Forbidden {
    Error why;
  };
  struct Ended {};

  const WatchId id;
  asio::cancellation_signal cancel;
  std::variant<FirstList, Following, Relisting, Holding, Forbidden, Ended> state;
  // Why the last list or watch failed; nothing while it works, and in Holding, Forbidden and Ended.
  std::optional<Error> problem;
  bool lists_fail = false;    // with `problem`: lists fail too, so nothing is observed
  Generation generation = 0;  // of its newest list
  UnlistedNames unlisted;     // by label only: names that it is not believed about
  int refusals = 0;           // how often it was forbidden recently

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
