// SilentPeer decides when to probe a silent peer. The kernel detects a dead machine or network; a frozen server, and a
// middlebox that keeps a dead connection up, are detected only by a request (Patience says when).
//
// Keeps the time and calls `ask`; its owner sends the request and interprets the answer. Lives on the io_context
// thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "sync/kube/http/http_client.hpp"

namespace regsync::kube {

class SilentPeer {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Calls `ask` from the event loop; never if `enabled` is false.
  SilentPeer(const asio::any_io_executor& executor, Patience patience, bool enabled, std::function<void()> ask);

  // hear(): something arrived from the peer in this turn of libcurl. end_turn(): the turn ended; reads the clock once.
  void hear() { heard_ = true; }
  void end_turn();

  // The number of waiting transfers, and of those that are requests and not streams, has changed.
  void wait_for(std::size_t transfers, std::size_t requests);

  [[nodiscard]] TimePoint last_heard() const { return last_heard_; }
  [[nodiscard]] bool is_silent_for(std::chrono::milliseconds time) const;

 private:
  [[nodiscard]] TimePoint end_of_patience() const;
  void check_at(TimePoint when);
  void check();

  const Patience patience_;
  const bool enabled_;
  const std::function<void()> ask_;
  asio::steady_timer next_check_;
  TimePoint last_heard_ = std::chrono::steady_clock::now();
  TimePoint last_asked_;  // when the first request began to wait
  bool heard_ = false;
  std::size_t transfers_ = 0;
  std::size_t requests_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // the timer's handlers hold it weakly
};

}  // namespace regsync::kube
