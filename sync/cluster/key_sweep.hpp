// Visits many keys in slices of a few milliseconds, so that the event loop is never held for long. The first slice is
// made at once, so that a few keys are done when run() returns. One io_context thread; owned by its Cluster.
#pragma once

#include <asio/any_io_executor.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sync/base/time_slice.hpp"
#include "sync/model/key.hpp"

namespace regsync {

class KeySweep {
 public:
  struct Handlers {
    // The namespaces in which a Secret name matters now.
    std::function<std::vector<std::string>(const std::string& secret)> namespaces_of;
    std::function<void(const Key&)> visit;
    std::function<void()> on_end;  // nothing is left
  };
  KeySweep(asio::any_io_executor executor, Handlers handlers);

  // All keys of a Secret name are to be visited, from the first on if some were. Follow with run().
  void add(const std::string& secret);
  void run();
  void stop();
  // Whether keys of a Secret name are left to be visited.
  [[nodiscard]] bool will_visit(const std::string& secret) const;
  [[nodiscard]] bool idle() const { return names_.empty() && namespaces_.empty(); }

 private:
  // Visits keys until the slice is over; whether something is left.
  bool visit_some();
  void go_on_later();

  asio::any_io_executor executor_;
  Handlers handlers_;
  std::deque<std::string> names_;  // whose keys are to be visited next, each once
  std::string secret_;             // the name in work, and its namespaces that are left
  std::vector<std::string> namespaces_;
  bool running_ = false;                                        // a slice is
  bool posted_ = false;                                         // the next slice is
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // posted handlers hold it weakly
};

}  // namespace regsync
