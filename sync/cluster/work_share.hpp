// WorkShare limits how many keys all contexts together work on at once: a request in flight needs 40 KiB, and a first
// sync of many contexts would fragment the heap so that it cannot be returned.
//
// No context waits for another: each may always have a few keys in work. Of those with more to do, a limited number are
// wide: together they share most_together, and each has enough requests in flight that reading their answers together
// pays off (AnswerBatches). Shared by the queues of one engine, on its io_context thread.
#pragma once

#include <algorithm>

namespace regsync {

class WorkShare {
 public:
  static constexpr int most_together = 320;
  static constexpr int most_wide = 20;
  static constexpr int narrow = 2;  // keys that each queue may always have in work

  // Returns whether the caller may be wide; if so, it must call end() when done.
  [[nodiscard]] bool begin() {
    const bool may = wide_ < most_wide;
    wide_ += may ? 1 : 0;
    return may;
  }
  void end() { --wide_; }

  // How many keys each wide queue may have in work.
  [[nodiscard]] int each() const { return most_together / std::max(wide_, 1); }

 private:
  int wide_ = 0;
};

}  // namespace regsync
