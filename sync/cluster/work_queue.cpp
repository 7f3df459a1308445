#include "sync/cluster/work_queue.hpp"

#include <algorithm>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/log.hpp"
#include "sync/base/random_time.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// The initial limit of an idle queue: enough to make batching a burst of writes worthwhile (AnswerBatches).
constexpr std::size_t first_in_flight = 16;
// client-go repeats a request this often after the delay that the server named (rest/with_retry.go, maxRetries).
constexpr int most_busy = 10;

// Half of the delay is random, so that a thousand keys that failed together do not retry together.
milliseconds with_jitter(milliseconds delay) { return random_time(delay / 2, delay); }

}  // namespace

WorkQueue::WorkQueue(asio::any_io_executor executor, Options options, Work work, Finished on_finished)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      work_(std::move(work)),
      on_finished_(std::move(on_finished)),
      timer_(executor_),
      quiet_(executor_) {}

void WorkQueue::add(const Key& key) {
  if (stopping_) {
    return;
  }
  end_delay(key);
  if (!dirty_.insert(key).second || processing_.contains(key)) {
    return;
  }
  queue_.push_back(key);
  pump();
}

void WorkQueue::forget(const Key& key) {
  failures_.erase(key);
  busy_.erase(key);
  end_delay(key);
}

void WorkQueue::end_delay(const Key& key) {
  if (const auto delayed = delayed_.find(key); delayed != delayed_.end()) {
    const auto [begin, end] = by_time_.equal_range(delayed->second);
    by_time_.erase(std::find_if(begin, end, [&key](const auto& item) { return item.second == key; }));
    delayed_.erase(delayed);
    arm();
  }
}

void WorkQueue::pause() {
  paused_ = true;
  if (processing_.empty()) {
    quiet_.notify_all();
  }
}

void WorkQueue::resume() {
  paused_ = false;
  pump();
}

bool WorkQueue::idle() const { return queue_.empty() && processing_.empty(); }

asio::awaitable<void> WorkQueue::settled() {
  while (!quiet()) {
    co_await quiet_.wait();
  }
}

asio::awaitable<void> WorkQueue::stop() {
  stopping_ = true;
  queue_.clear();
  dirty_.clear();
  by_time_.clear();
  delayed_.clear();
  timer_.cancel();
  // A cancelled coroutine may finish inside emit() and remove its signal from the list.
  for (auto signal = signals_.begin(); signal != signals_.end();) {
    (signal++)->emit(asio::cancellation_type::all);
  }
  while (!processing_.empty()) {
    co_await quiet_.wait();
  }
  // A timer handler that was queued before the cancel runs first: afterwards nothing refers to the queue.
  co_await asio::post(executor_, asio::use_awaitable);
}

void WorkQueue::pump() {
  while (!paused_ && !stopping_ && !queue_.empty() && has_room()) {
    const Key key = std::move(queue_.front());
    queue_.pop_front();
    dirty_.erase(key);
    processing_.insert(key);
    start(key);
  }
}

bool WorkQueue::has_room() {
  const auto room_for = [this](int most) {
    return processing_.size() < static_cast<std::size_t>(std::min(options_.max_in_flight, most));
  };
  if (room_for(WorkShare::narrow)) {
    return true;
  }
  wide_ = wide_ || options_.share->begin();
  return wide_ && room_for(options_.share->each()) && processing_.size() < first_in_flight + finished_;
}

void WorkQueue::start(const Key& key) {
  const auto signal = signals_.emplace(signals_.end());
  asio::co_spawn(executor_, work_(key),
                 asio::bind_cancellation_slot(signal->slot(),
                                              [this, key, signal](const std::exception_ptr& failure, Outcome outcome) {
                                                signals_.erase(signal);
                                                if (failure) {
                                                  outcome = {.kind = Outcome::Kind::retry, .defect = error_of(failure)};
                                                }
                                                finish(key, outcome);
                                              }));
}

void WorkQueue::finish(const Key& key, const Outcome& outcome) {
  processing_.erase(key);
  ++finished_;
  if (processing_.empty()) {
    finished_ = 0;
    if (std::exchange(wide_, false)) {
      options_.share->end();
    }
  }
  if (!stopping_) {
    schedule(key, outcome);
    pump();
    if (const auto failure = guarded([&] { on_finished_(key, outcome); })) {
      log::error("after the work on " + key.name_space + "/" + key.secret + ": " + describe(*failure));
    }
  }
  if (processing_.empty() && (queue_.empty() || paused_ || stopping_)) {
    quiet_.notify_all();
  }
}

void WorkQueue::schedule(const Key& key, const Outcome& outcome) {
  if (dirty_.contains(key)) {
    queue_.push_back(key);  // added during the run: its result is out of date
    return;
  }
  if (outcome.kind != Outcome::Kind::busy) {
    busy_.erase(key);
  }
  switch (outcome.kind) {
    case Outcome::Kind::done:
      failures_.erase(key);
      return;
    case Outcome::Kind::wait:
      add_after(key, outcome.after ? *outcome.after : with_jitter(2 * options_.recheck));
      return;
    case Outcome::Kind::busy:
      if (++busy_[key] <= most_busy) {  // not a failure yet
        add_after(key, a_little_more(std::max(outcome.after.value_or(milliseconds(0)), options_.backoff_base)));
        return;
      }
      [[fallthrough]];
    case Outcome::Kind::retry: {
      const auto delay = with_jitter(backoff(failures_[key]++));
      add_after(key, std::max(delay, outcome.after.value_or(milliseconds(0))));
      return;
    }
  }
}

std::optional<steady_clock::time_point> WorkQueue::next_try(const Key& key) const {
  const auto delayed = delayed_.find(key);
  return delayed == delayed_.end() ? std::nullopt : std::optional(delayed->second);
}

milliseconds WorkQueue::backoff(int failures) const {
  constexpr int max_doublings = 20;
  return std::min(options_.backoff_base * (1 << std::min(failures, max_doublings)), options_.backoff_cap);
}

void WorkQueue::add_after(const Key& key, milliseconds delay) {
  const auto when = steady_clock::now() + delay;
  by_time_.emplace(when, key);
  delayed_[key] = when;
  arm();
}

void WorkQueue::arm() {
  if (by_time_.empty()) {
    armed_.reset();
    timer_.cancel();
    return;
  }
  const auto first = by_time_.begin()->first;
  if (armed_ == first) {
    return;
  }
  armed_ = first;
  timer_.expires_at(first);
  timer_.async_wait([this](const asio::error_code& error) {
    if (error) {
      return;
    }
    armed_.reset();
    guarded_logged("what is to be tried again", [this] {
      const auto now = steady_clock::now();
      while (!by_time_.empty() && by_time_.begin()->first <= now) {
        add(Key(by_time_.begin()->second));  // a copy: add() removes it from the map
      }
    });
    arm();
  });
}

}  // namespace regsync
