#include "daemon/leadership.hpp"

#include <chrono>

#include "helper/base/text.hpp"

namespace regsync {

namespace {

// A list of footprints that takes longer usually fails; and clients wait only ten seconds for an answer.
constexpr auto longest_takeover = std::chrono::seconds(5);

}  // namespace

asio::awaitable<void> Leadership::wait() {
  const auto deadline = std::chrono::steady_clock::now() + longest_takeover;
  const auto is_over = [this] { return stopping_ || !is_behind(); };
  co_await changed_.wait_until(is_over, deadline);
  require();
}

asio::awaitable<void> Leadership::run(std::function<asio::awaitable<void>()> work) {
  co_await work();
  if (is_behind()) {
    co_await wait();
    co_await work();
  }
  require();
}

void Leadership::stop() {
  stopping_ = true;
  changed_.notify_all();
}

bool Leadership::is_behind() const { return member_ != nullptr && !member_->waits_for().empty(); }

// Throws if this replica stands by, or does not serve all its clusters yet.
void Leadership::require() const {
  if (member_ == nullptr) {
    return;
  }
  if (const auto missing = member_->waits_for(); !missing.empty()) {
    // Not `timeout`: clients take that to mean that the work continues.
    throw Error(ErrorCode::invalid_input, "this replica has not read what it needs of the hub yet: " + join(missing),
                "try again in a moment; where it lasts, regsync status says why");
  }
  if (member_->stands_by()) {
    throw Error(ErrorCode::invalid_input, member_->note()->message(), "ask a replica that leads");
  }
}

}  // namespace regsync
