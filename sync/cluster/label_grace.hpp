// Tells when the labels of a namespace have stayed unchanged for the grace. Something may take a label off and put it
// back: until then nothing is deleted for want of it. Labels that change again and again are settled after 12 graces,
// else a namespace with such a label would keep its Secret for ever. One io_context thread; owned by ClusterWatches.
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

// How long what is no longer said keeps its Secrets.
inline constexpr std::chrono::milliseconds default_grace{5000};

class LabelGrace {
 public:
  using OnSettled = std::function<void(const std::string& name_space)>;

  LabelGrace(const asio::any_io_executor& executor, std::chrono::milliseconds grace, OnSettled on_settled)
      : grace_(grace), on_settled_(std::move(on_settled)), timer_(executor) {}

  // The labels of a namespace changed: its grace begins, or begins anew.
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
  // Each namespace in its grace is in both.
  std::map<std::string, Span> spans_;
  std::set<std::pair<TimePoint, std::string>> by_end_;
  bool armed_ = false;
  asio::steady_timer timer_;
};

}  // namespace regsync
