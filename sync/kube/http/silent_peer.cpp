#include "sync/kube/http/silent_peer.hpp"

#include <algorithm>
#include <utility>

#include "sync/base/spawn_guarded.hpp"

namespace regsync::kube {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

SilentPeer::SilentPeer(const asio::any_io_executor& executor, Patience patience, bool enabled,
                       std::function<void()> ask)
    : patience_(patience), enabled_(enabled), ask_(std::move(ask)), next_check_(executor) {}

void SilentPeer::end_turn() {
  if (std::exchange(heard_, false)) {
    last_heard_ = steady_clock::now();
  }
}

void SilentPeer::wait_for(std::size_t transfers, std::size_t requests) {
  const bool first = transfers_ == 0 && transfers > 0;
  const bool more = transfers > transfers_ || requests > requests_;
  if (first) {
    last_heard_ = steady_clock::now();  // silence counts from the first wait
  }
  if (requests_ == 0 && requests > 0) {
    last_asked_ = steady_clock::now();
  }
  transfers_ = transfers;
  requests_ = requests;
  if (!enabled_) {
    return;
  }
  if (transfers == 0) {
    next_check_.cancel();
  } else if (more) {
    if (const auto end = end_of_patience(); first || end < next_check_.expiry()) {
      check_at(end);
    }
  }
}

bool SilentPeer::is_silent_for(milliseconds time) const { return steady_clock::now() - last_heard_ >= time; }

SilentPeer::TimePoint SilentPeer::end_of_patience() const {
  const auto end =
      requests_ > 0 ? std::max(last_heard_, last_asked_) + patience_.silence : last_heard_ + patience_.quiet;
  // A check may be this much early: checks fall on multiples of it, so that those of many clients share one wake-up.
  const milliseconds slack = patience_.silence / 7;
  return end - end.time_since_epoch() % slack;
}

void SilentPeer::check_at(TimePoint when) {
  next_check_.expires_at(when);
  next_check_.async_wait([this, alive = std::weak_ptr(alive_)](std::error_code cancelled) {
    if (!alive.expired() && !cancelled) {
      guarded_logged("a silent API server", [this] { check(); });
    }
  });
}

void SilentPeer::check() {
  if (transfers_ == 0) {
    return;
  }
  if (const auto end = end_of_patience(); steady_clock::now() < end) {
    check_at(end);
    return;
  }
  check_at(steady_clock::now() + patience_.answer);  // if the asking transfer ends first, another one will ask
  ask_();
}

}  // namespace regsync::kube
