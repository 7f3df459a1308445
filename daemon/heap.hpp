// Gives memory that is free back to the system, where there is enough of it: malloc_trim(3) looks at every free piece
// of the heap and tells the kernel of each, which takes as long as ten writes do.
#pragma once

#include <cstddef>

namespace regsync {

class Heap {
 public:
  // some_was_freed: more than what comes and goes with each change.
  void give_back(bool some_was_freed);

 private:
  // Bytes, after the last time.
  std::size_t resident_ = 0;
  std::size_t used_ = 0;
};

}  // namespace regsync
