// LabelGrace reports when the labels of a namespace have stayed unchanged for the grace period. A label may be removed
// and put back: until then, its absence deletes nothing. Labels that keep changing count as settled after 12 periods;
// otherwise such a namespace would keep its Secret forever. One io_context thread; owned by ClusterWatches.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace regsync {

// How long a declaration must be gone before its Secrets are deleted.
inline constexpr std::chrono::milliseconds default_grace{5000};

class LabelGrace {
 public:
  using OnSettled = std::function<void(const std::string& name_space)>;

  LabelGrace(const asio::any_io_executor& executor, std::chrono::milliseconds grace, OnSettled on_settled)
      : grace_(grace), on_settled_(std::move(on_settled)), timer_(executor) {}

  // The labels of a namespace changed: starts or restarts its grace period.
  void begin(const std::string& name_space);
  void stop();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  void arm();
  void settle(TimePoint now);

  std::chrono::milliseconds grace_;
  OnSettled on_settled_;
  struct Span {
    TimePoint first;  // change
    TimePoint end;
  };
  // Each namespace in its grace period is in both.
  std::map<std::string, Span> spans_;
  std::set<std::pair<TimePoint, std::string>> by_end_;
  bool armed_ = false;
  asio::steady_timer timer_;
};

}  // namespace regsync
