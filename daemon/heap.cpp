#include "daemon/heap.hpp"

#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <utility>

namespace regsync {

namespace {

// Lists and bulk writes leave a mostly free heap: trim after they end, and seldom while they last.
constexpr auto trim_delay = std::chrono::seconds(2);

constexpr std::size_t worth_it = std::size_t{512} * 1024;

// The resident bytes of this process (proc(5): statm); 0 if unknown.
std::size_t resident() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0;
  std::size_t pages = 0;
  statm >> all >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

Heap::Heap(const asio::any_io_executor& executor, std::function<IdleRelease()> release)
    : release_(std::move(release)), trimming_(executor, trim_delay, "memory", [this] { release_and_trim(); }) {}

void Heap::release_and_trim() {
  const IdleRelease release = release_();
  if (release.busy) {
    trimming_.ask();
  }
  give_back(release.released);
}

void Heap::give_back(bool some_was_freed) {
  const std::size_t used = mallinfo2().uordblks;
  const bool grew = resident() >= resident_ + worth_it;
  const bool shrank = used + worth_it <= used_;  // memory of a bulk write, resident at the last trim, is free now
  if (!some_was_freed && !grew && !shrank) {
    return;
  }
  malloc_trim(0);
  resident_ = resident();
  used_ = used;
}

}  // namespace regsync
