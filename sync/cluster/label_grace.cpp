#include "sync/cluster/label_grace.hpp"

#include <algorithm>
#include <system_error>

#include "sync/base/spawn_guarded.hpp"

namespace regsync {

using std::chrono::steady_clock;

namespace {

constexpr int most_graces = 12;

}  // namespace

void LabelGrace::begin(const std::string& name_space) {
  const auto now = steady_clock::now();
  Span& span = spans_.try_emplace(name_space, Span{.first = now, .end = now}).first->second;
  by_end_.erase({span.end, name_space});
  span.end = std::min(now + grace_, span.first + most_graces * grace_);
  by_end_.emplace(span.end, name_space);
  arm();
}

// The timer may fire early for a namespace whose grace period was restarted.
void LabelGrace::arm() {
  if (armed_ || by_end_.empty()) {
    return;
  }
  armed_ = true;
  timer_.expires_at(by_end_.begin()->first);
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
  while (!by_end_.empty() && by_end_.begin()->first <= now) {
    const std::string name_space = by_end_.extract(by_end_.begin()).value().second;
    spans_.erase(name_space);
    on_settled_(name_space);
  }
}

void LabelGrace::stop() {
  spans_.clear();
  by_end_.clear();
  timer_.cancel();
}

}  // namespace regsync
