#include "sync/cluster/key_sweep.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "sync/base/spawn_guarded.hpp"

namespace regsync {

KeySweep::KeySweep(asio::any_io_executor executor, Handlers handlers)
    : executor_(std::move(executor)), handlers_(std::move(handlers)) {}

void KeySweep::add(const std::string& secret) {
  if (secret == secret_) {
    namespaces_.clear();  // visited ones are visited again
  }
  if (std::ranges::find(names_, secret) == names_.end()) {
    names_.push_back(secret);
  }
}

bool KeySweep::will_visit(const std::string& secret) const {
  return (secret == secret_ && !namespaces_.empty()) || std::ranges::find(names_, secret) != names_.end();
}

void KeySweep::run() {
  if (running_ || posted_) {
    return;
  }
  running_ = true;
  const bool more = visit_some();
  running_ = false;
  if (more) {
    go_on_later();
  } else {
    handlers_.on_end();
  }
}

bool KeySweep::visit_some() {
  const TimeSlice slice;
  while (!idle()) {
    if (namespaces_.empty()) {
      secret_ = std::move(names_.front());
      names_.pop_front();
      guarded_logged("the namespaces of Secret " + secret_, [this] {
        namespaces_ = handlers_.namespaces_of(secret_);
        std::ranges::reverse(namespaces_);
      });
      continue;
    }
    const Key key{std::move(namespaces_.back()), secret_};
    namespaces_.pop_back();
    guarded_logged("considering " + key.name_space + "/" + key.secret, [&] { handlers_.visit(key); });
    if (slice.is_over()) {
      return !idle();
    }
  }
  return false;
}

void KeySweep::go_on_later() {
  posted_ = true;
  asio::post(executor_, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) {
      posted_ = false;
      guarded_logged("considering the Secrets of a context", [this] { run(); });
    }
  });
}

void KeySweep::stop() {
  names_.clear();
  namespaces_.clear();
  alive_.reset();
}

}  // namespace regsync
