#include "sync/base/limiter.hpp"

#include <asio/this_coro.hpp>
#include <utility>

#include "sync/base/async_event.hpp"

namespace regsync {

struct Limiter::Waiter {
  Waiter(Limiter& of, const asio::any_io_executor& executor) : limiter(of), news(executor) {
    limiter.waiting_.push_back(this);
  }
  ~Waiter() {
    if (turn) {
      limiter.leave();  // cancelled with the turn in hand
    } else {
      limiter.waiting_.remove(this);
    }
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  Waiter(Waiter&&) = delete;
  Waiter& operator=(Waiter&&) = delete;

  Limiter& limiter;
  AsyncEvent news;
  bool turn = false;
};

asio::awaitable<std::unique_ptr<Limiter::Turn>> Limiter::enter() {
  if (free_ > 0) {
    --free_;
    co_return std::make_unique<Turn>(*this);
  }
  Waiter waiter(*this, co_await asio::this_coro::executor);
  while (!waiter.turn) {
    co_await waiter.news.wait();
  }
  auto turn = std::make_unique<Turn>(*this);
  waiter.turn = false;
  co_return turn;
}

void Limiter::leave() {
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  Waiter* const next = waiting_.front();
  waiting_.pop_front();
  next->turn = true;
  next->news.notify_all();
}

ShortTurn::ShortTurn(const asio::any_io_executor& executor, std::unique_ptr<Limiter::Turn> turn,
                     std::chrono::milliseconds most)
    : turn_(std::make_shared<std::unique_ptr<Limiter::Turn>>(std::move(turn))), timer_(executor, most) {
  timer_.async_wait([turn = turn_](const asio::error_code& error) {
    if (!error) {
      *turn = nullptr;
    }
  });
}

}  // namespace regsync
