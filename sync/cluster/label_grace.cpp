#include "sync/cluster/label_grace.hpp"

#include <system_error>

#include "sync/base/spawn_guarded.hpp"

namespace regsync {

using std::chrono::steady_clock;

void LabelGrace::begin(const std::string& name_space) {
  const auto now = steady_clock::now();
  const auto [known, is_new] = since_.try_emplace(name_space, now);
  if (!is_new) {
    by_time_.erase({known->second, name_space});
    known->second = now;
  }
  by_time_.emplace(now, name_space);
  arm();
}

// It may fire early for a namespace whose grace began anew since.
void LabelGrace::arm() {
  if (armed_ || by_time_.empty()) {
    return;
  }
  armed_ = true;
  timer_.expires_at(by_time_.begin()->first + grace_);
  timer_.async_wait([this](const asio::error_code& error) {
    if (error) {
      return;
    }
    armed_ = false;
    guarded_logged("the labels of namespaces", [this] { settle(steady_clock::now()); });
    arm();
  });
}

void LabelGrace::settle(TimePoint now) {
  while (!by_time_.empty() && now - by_time_.begin()->first >= grace_) {
    const std::string name_space = by_time_.extract(by_time_.begin()).value().second;
    since_.erase(name_space);
    on_settled_(name_space);
  }
}

void LabelGrace::stop() {
  since_.clear();
  by_time_.clear();
  timer_.cancel();
}

}  // namespace regsync
