// Leadership decides whether this replica may answer requests about clusters: a replica that does not serve them would
// give wrong answers. A daemon that is not a replica always may.
//
// Owned by the Daemon. Lives on the io_context thread; each waiting request is a coroutine.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <functional>

#include "sync/base/async_event.hpp"
#include "sync/fleet/fleet_member.hpp"

namespace regsync {

class Leadership {
 public:
  // member must outlive this object; null: this process is not a replica.
  Leadership(const asio::any_io_executor& executor, const FleetMember* member) : member_(member), changed_(executor) {}

  // Returns once this replica serves all its clusters, for which a replica that starts or takes over needs a moment.
  // Throws Error(invalid_input) if it stands by, or is not ready within five seconds.
  asio::awaitable<void> wait();

  // Runs work whose result is valid only if this replica serves its clusters at the end. Runs it again if the replica
  // has taken over more clusters meanwhile. Throws as wait() does, and what the work throws.
  asio::awaitable<void> run(std::function<asio::awaitable<void>()> work);

  // The member's state may have changed (FleetMember::Handlers::on_change).
  void changed() { changed_.notify_all(); }

  // Ends all waits.
  void stop();

 private:
  [[nodiscard]] bool is_behind() const;
  void require() const;

  const FleetMember* const member_;
  AsyncEvent changed_;
  bool stopping_ = false;
};

}  // namespace regsync
