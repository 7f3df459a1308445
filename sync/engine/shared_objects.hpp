// SharedObjects protects a Secret that two contexts of one cluster reach: before one of them deletes it, or takes it
// from another target of ours, it ensures that nobody wants it through the other.
//
// Asks the other cluster only if nothing else tells whether the two are one. A context that was unusable since the
// start cannot be asked: what it may want stays. In a fleet, anybody who may write a Secret of the hub can create such
// a context, so one through which nothing was ever made delays no deletion. Owned by the Engine; reads objects that
// outlive it. Lives on the io_context thread.
#pragma once

#include <asio/awaitable.hpp>
#include <functional>
#include <string>

#include "sync/cluster/reconciler.hpp"
#include "sync/engine/briefing.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/context_set.hpp"
#include "sync/engine/footprint_keeper.hpp"
#include "sync/model/key.hpp"

namespace regsync {

class SharedObjects {
 public:
  // on_learnt: called when two contexts turn out to lead to one cluster.
  SharedObjects(const ContextSet& contexts, ContextBook& book, const FootprintKeeper& footprints,
                const Briefing& briefing, std::function<void()> on_learnt)
      : contexts_(contexts),
        book_(book),
        footprints_(footprints),
        briefing_(briefing),
        on_learnt_(std::move(on_learnt)) {}

  // Throws Error: already_exists if another context reaches the object with this uid and a target wants it there;
  // another code if that cannot be determined.
  asio::awaitable<void> check(std::string context, Key key, std::string uid, Taking taking);

 private:
  [[nodiscard]] bool is_in_doubt(const std::string& context, const Cluster& cluster) const;
  [[nodiscard]] Same same(const std::string& one, const std::string& other, const Cluster& cluster) const;
  [[nodiscard]] bool was_never_used(const std::string& context) const;
  void check_unusable(const std::string& context, const Key& key) const;

  const ContextSet& contexts_;
  ContextBook& book_;
  const FootprintKeeper& footprints_;
  const Briefing& briefing_;
  std::function<void()> on_learnt_;
};

}  // namespace regsync
