// Backoff is the pause before the next try of what fails: the first one is short, and each further one twice as long,
// up to a longest (client-go's wait.Backoff). A value; one thread.
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

  // The try after the pause failed too, or is about to be made.
  void grow() { pause_ = std::min(2 * pause_, pauses_.longest); }
  // It went well.
  void reset() { pause_ = pauses_.first; }

 private:
  Pauses pauses_;
  std::chrono::milliseconds pause_;
};

}  // namespace regsync
