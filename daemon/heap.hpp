// Heap gives memory that is free back to the system, some time after a change and where there is enough of it:
// malloc_trim(3) looks at every free piece of the heap and tells the kernel of each, which takes as long as ten writes
// do.
//
// Owned by the Daemon. Lives on the io_context thread. What goes wrong is logged.
#pragma once

#include <asio/any_io_executor.hpp>
#include <cstddef>
#include <functional>

#include "sync/base/coalesced_call.hpp"
#include "sync/base/idle_release.hpp"

namespace regsync {

class Heap {
 public:
  // release: frees what is not needed now (Engine::release_idle_memory).
  Heap(const asio::any_io_executor& executor, std::function<IdleRelease()> release);

  // Memory was used, and may be free soon.
  void changed() { trimming_.ask(); }

 private:
  void release_and_trim();
  // some_was_freed: more than what comes and goes with each change.
  void give_back(bool some_was_freed);

  std::function<IdleRelease()> release_;
  CoalescedCall trimming_;
  // Bytes, after the last time.
  std::size_t resident_ = 0;
  std::size_t used_ = 0;
};

}  // namespace regsync
