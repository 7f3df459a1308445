// Leadership says whether this replica may answer for clusters: one that does not serve them would say what is not so.
// A daemon that is no replica always may.
//
// Owned by the Daemon. Lives on the io_context thread; each request that waits is a coroutine of its own.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <functional>

#include "sync/base/async_event.hpp"
#include "sync/fleet/fleet_member.hpp"

namespace regsync {

class Leadership {
 public:
  // member: outlives this; null: this is no replica.
  Leadership(const asio::any_io_executor& executor, const FleetMember* member) : member_(member), changed_(executor) {}

  // Returns once this replica serves all clusters that are its own: one that has just begun, or takes over, does so a
  // moment later. Throws Error(invalid_input) where it does not.
  asio::awaitable<void> wait();

  // Does work whose result counts only if the clusters were this replica's until its end; where some became so
  // meanwhile, once more. Throws as wait(), and what the work throws.
  asio::awaitable<void> run(std::function<asio::awaitable<void>()> work);

  // The member's answers may be others now (FleetMember::Handlers::on_change).
  void changed() { changed_.notify_all(); }

  // Nobody waits any more.
  void stop();

 private:
  [[nodiscard]] bool is_behind() const;
  void require() const;

  const FleetMember* const member_;
  AsyncEvent changed_;
  bool stopping_ = false;
};

}  // namespace regsync
