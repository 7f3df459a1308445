// Heap returns free memory to the system some time after a change, and only if there is enough of it: malloc_trim(3)
// visits every free chunk of the heap and makes a system call for each, which takes as long as ten writes.
//
// Owned by the Daemon. Lives on the io_context thread. Errors are logged.
#pragma once

#include <asio/any_io_executor.hpp>
#include <cstddef>
#include <functional>

#include "sync/base/coalesced_call.hpp"
#include "sync/base/idle_release.hpp"

namespace regsync {

class Heap {
 public:
  // release: frees memory that is not needed now (Engine::release_idle_memory).
  Heap(const asio::any_io_executor& executor, std::function<IdleRelease()> release);

  // Memory was used and may soon be free again.
  void changed() { trimming_.ask(); }

 private:
  void release_and_trim();
  // some_was_freed: release_ freed more than each change allocates and frees.
  void give_back(bool some_was_freed);

  std::function<IdleRelease()> release_;
  CoalescedCall trimming_;
  // Bytes, after the last trim.
  std::size_t resident_ = 0;
  std::size_t used_ = 0;
};

}  // namespace regsync
