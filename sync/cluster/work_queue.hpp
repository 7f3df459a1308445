// WorkQueue holds keys that may need work and works on many at once, each by one coroutine at a time: client-go's
// workqueue (util/workqueue/queue.go, default_rate_limiters.go) for coroutines.
//
// Adding a queued key changes nothing; adding a key in work runs it once more afterwards. So a burst of events costs
// one run, and no event is lost. Failed writes of a key are retried here and nowhere else (except that the Reconciler
// decides up to four times on one that lost a race for the resourceVersion). No exception escapes the work on a key: it
// is reported, and the key is retried. One io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "helper/base/error.hpp"
#include "sync/base/async_event.hpp"
#include "sync/cluster/work_share.hpp"
#include "sync/model/key.hpp"

namespace regsync {

// The result of the work on a key.
struct Outcome {
  enum class Kind {
    done,   // success: the key's failures are forgotten
    retry,  // temporary failure: retried after a backoff, or after `after` if that is later
    busy,   // the server named a delay, `after`; counts as a failure only after several in a row
    wait,   // not a failure: retried after `after`, or after the slow re-check
  };
  Kind kind = Kind::done;
  std::optional<std::chrono::milliseconds> after = {};
  std::optional<Error> defect = {};  // set by the queue if the work threw
};

class WorkQueue {
 public:
  // Turns expected failures into an Outcome. Any exception is retried and reported to Finished.
  using Work = std::function<asio::awaitable<Outcome>(Key)>;

  struct Options {
    int max_in_flight = 64;  // reached gradually, so that contexts that start together can first count each other
    // Starting at 200 ms, doubling outlasts a short outage in a few tries; five minutes bound both the load of a
    // lasting failure and the wait after a repair that sends no event.
    std::chrono::milliseconds backoff_base{200};
    std::chrono::milliseconds backoff_cap{std::chrono::minutes(5)};
    std::chrono::milliseconds recheck{std::chrono::minutes(5)};
    std::shared_ptr<WorkShare> share = std::make_shared<WorkShare>();  // shared with the queues of other contexts
  };

  // Called once the work on a key has ended and no longer counts as in work.
  using Finished = std::function<void(const Key&, const Outcome&)>;

  // Both callbacks run on the executor's thread.
  WorkQueue(asio::any_io_executor executor, Options options, Work work, Finished on_finished);
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;
  WorkQueue(WorkQueue&&) = delete;
  WorkQueue& operator=(WorkQueue&&) = delete;
  // Call stop() first, unless nothing was ever added.
  ~WorkQueue() = default;

  void add(const Key& key);     // now; ends a delay of the key
  void forget(const Key& key);  // clears its failures and delay: the next failure backs off from the start
  void pause();                 // starts nothing until resume(); work in progress continues
  void resume();
  [[nodiscard]] bool idle() const;  // nothing queued, nothing in work (delayed keys do not count)
  // Whether nothing is in work, and nothing will start before a new event.
  [[nodiscard]] bool quiet() const { return processing_.empty() && (queue_.empty() || paused_); }
  [[nodiscard]] bool works_on(const Key& key) const { return processing_.contains(key); }
  // Whether a key is queued, in work, or waiting to be retried.
  [[nodiscard]] bool holds(const Key& key) const { return works_on(key) || dirty_.contains(key) || next_try(key); }
  [[nodiscard]] bool empty() const { return depth() == 0 && delayed_.empty(); }  // holds no key
  // When the key is retried without an event, if it waits for that.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> next_try(const Key& key) const;
  [[nodiscard]] std::size_t depth() const { return queue_.size() + processing_.size(); }

  // Returns when quiet() holds.
  asio::awaitable<void> settled();

  // Cancels the work in progress, drops queued keys, and waits until all has ended.
  asio::awaitable<void> stop();

 private:
  void pump();
  [[nodiscard]] bool has_room();
  void start(const Key& key);
  void finish(const Key& key, const Outcome& outcome);
  void schedule(const Key& key, const Outcome& outcome);
  void end_delay(const Key& key);
  void add_after(const Key& key, std::chrono::milliseconds delay);
  void arm();
  [[nodiscard]] std::chrono::milliseconds backoff(int failures) const;

  asio::any_io_executor executor_;
  Options options_;
  Work work_;
  Finished on_finished_;
  bool paused_ = false;
  bool stopping_ = false;
  bool wide_ = false;         // see WorkShare; reset when nothing is in work
  std::size_t finished_ = 0;  // keys since then

  // queue_ holds the order; each of its keys is in dirty_ and none is in processing_.
  std::deque<Key> queue_;
  // Keys that need work: queued, or added again while in processing_.
  std::unordered_set<Key, KeyHash> dirty_;
  std::unordered_set<Key, KeyHash> processing_;
  std::unordered_map<Key, int, KeyHash> failures_;
  std::unordered_map<Key, int, KeyHash> busy_;  // consecutive `busy` outcomes
  // Delayed keys, each in both maps.
  std::multimap<std::chrono::steady_clock::time_point, Key> by_time_;
  std::unordered_map<Key, std::chrono::steady_clock::time_point, KeyHash> delayed_;
  asio::steady_timer timer_;
  std::optional<std::chrono::steady_clock::time_point> armed_;  // when timer_ fires

  std::list<asio::cancellation_signal> signals_;
  AsyncEvent quiet_;
};

}  // namespace regsync
