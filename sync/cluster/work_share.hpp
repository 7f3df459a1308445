// WorkShare limits how many keys all contexts together work on at once: a request in flight needs 40 KiB, and a first
// sync of many contexts would leave the heap in pieces that cannot be given back.
//
// No context waits for another: each may always have a few keys in work. Of those with more to do, some at a time are
// wide: together they share most_together, and each has enough in flight that its answers are worth reading together
// (AnswerBatches). Shared by the queues of one engine, on its io_context thread.
#pragma once

#include <algorithm>

namespace regsync {

class WorkShare {
 public:
  static constexpr int most_together = 320;
  static constexpr int most_wide = 20;
  static constexpr int narrow = 2;  // what each may have in work in any case

  // Whether one more may be wide; it is until it calls end().
  [[nodiscard]] bool begin() {
    const bool may = wide_ < most_wide;
    wide_ += may ? 1 : 0;
    return may;
  }
  void end() { --wide_; }

  // How many keys each of those may have in work.
  [[nodiscard]] int each() const { return most_together / std::max(wide_, 1); }

 private:
  int wide_ = 0;
};

}  // namespace regsync
