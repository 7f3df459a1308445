// How many keys each context may work on at once, so that all contexts together stay within a bound: a request in
// flight needs about 40 KiB, and a first sync of many contexts would leave the heap in pieces that cannot be given
// back.
//
// A context that works alone is not held back, and none waits for another: each may always have a few in flight. Shared
// by the queues of one engine, on its io_context thread.
#pragma once

#include <algorithm>

namespace regsync {

class WorkShare {
 public:
  // Five contexts can do all that a WorkQueue may; twenty still have answers that are worth reading together
  // (AnswerBatches::many).
  static constexpr int most_together = 320;
  static constexpr int least_each = 2;

  // A context begins to work, and ends.
  void begin() { ++busy_; }
  void end() { --busy_; }

  [[nodiscard]] int each() const { return std::max(least_each, most_together / std::max(busy_, 1)); }

 private:
  int busy_ = 0;
};

}  // namespace regsync
