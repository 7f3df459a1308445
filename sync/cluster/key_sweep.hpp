// KeySweep visits many keys in slices of a few milliseconds, so that it never blocks the event loop for long. run()
// does the first slice itself, so a few keys are done when it returns. One io_context thread; owned by its Cluster.
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

  // Schedules all keys of a Secret name, starting over if some were visited already. Follow with run().
  void add(const std::string& secret);
  void run();
  void stop();
  // Whether keys of a Secret name are still to be visited.
  [[nodiscard]] bool will_visit(const std::string& secret) const;
  [[nodiscard]] bool idle() const { return names_.empty() && namespaces_.empty(); }

 private:
  // Visits keys until the slice is over; returns whether any are left.
  bool visit_some();
  void go_on_later();

  asio::any_io_executor executor_;
  Handlers handlers_;
  std::deque<std::string> names_;  // names to visit next, without duplicates
  std::string secret_;             // the current name, and its remaining namespaces
  std::vector<std::string> namespaces_;
  bool running_ = false;                                        // a slice is running
  bool posted_ = false;                                         // the next slice is posted
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // posted handlers hold it weakly
};

}  // namespace regsync
