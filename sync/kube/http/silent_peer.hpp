// SilentPeer probes a peer that has been silent. The kernel finds a dead machine or network; a frozen server, and a
// middlebox that keeps a dead connection up, are found only by asking for something (Patience says when).
//
// Keeps the time and says when to ask; who asks, and what an answer means, is the business of its owner. Lives on the
// io_context thread.
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

  // `ask` is called from the event loop. With `enabled` false it never is.
  SilentPeer(const asio::any_io_executor& executor, Patience patience, bool enabled, std::function<void()> ask);

  // Something came from the peer, in this turn of libcurl; and the end of that turn, when the clock is read once.
  void hear() { heard_ = true; }
  void end_turn();

  // How many wait for it in all, and how many of them for the answer of a request, has changed.
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
  TimePoint last_asked_;  // when a request came to wait where none did
  bool heard_ = false;
  std::size_t transfers_ = 0;
  std::size_t requests_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // handlers of the timer hold it weakly
};

}  // namespace regsync::kube
