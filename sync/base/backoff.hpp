// Backoff computes the pause before the next retry: the first one is short, and each further one twice as long, up to a
// maximum (client-go's wait.Backoff). A value; one thread.
#pragma once

#include <algorithm>
#include <chrono>

namespace regsync {

class Backoff {
 public:
  struct Pauses {
    std::chrono::milliseconds first;
    std::chrono::milliseconds longest;
  };

  explicit Backoff(Pauses pauses) : pauses_(pauses), pause_(pauses.first) {}

  [[nodiscard]] std::chrono::milliseconds pause() const { return pause_; }

  // Call it when the retry after the pause fails, or before it is made.
  void grow() { pause_ = std::min(2 * pause_, pauses_.longest); }
  // Call it after a success.
  void reset() { pause_ = pauses_.first; }

 private:
  Pauses pauses_;
  std::chrono::milliseconds pause_;
};

}  // namespace regsync
