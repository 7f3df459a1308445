// Keys that may differ, worked on one at a time each, many at once together: client-go's workqueue
// (util/workqueue/queue.go, default_rate_limiters.go) for coroutines.
//
// Adding a key that is queued changes nothing; adding one that is in work runs it once more afterwards. So a burst
// of events costs one run, and no event is ever lost. A write of a key that fails is retried here and nowhere else (the
// Reconciler decides up to four times on one that lost a race for the resourceVersion). No exception leaves the work on
// a key: what it throws is told, and the key is retried. One io_context thread.
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

// What working on a key came to.
struct Outcome {
  enum class Kind {
    done,   // as it should be: the key's failures are forgotten
    retry,  // a passing failure: again after a backoff, or after `after` if that is later
    busy,   // the server named the time after which it will do it, `after`: a failure only after some such answers
    wait,   // no failure to back off from: again after `after`, or else after the slow re-check
  };
  Kind kind = Kind::done;
  std::optional<std::chrono::milliseconds> after = {};
  std::optional<Error> defect = {};  // the work threw; set by the queue
};

class WorkQueue {
 public:
  // Turns what is expected to go wrong into an Outcome. Whatever else it throws is retried and told to Finished.
  using Work = std::function<asio::awaitable<Outcome>(Key)>;

  struct Options {
    int max_in_flight = 64;  // reached by and by: contexts that begin together know then how many they are
    // 200 ms doubles past a cluster's hiccup in a few tries; five minutes bound both the load of what keeps failing
    // and the wait after it is repaired without an event.
    std::chrono::milliseconds backoff_base{200};
    std::chrono::milliseconds backoff_cap{std::chrono::minutes(5)};
    std::chrono::milliseconds recheck{std::chrono::minutes(5)};
    std::shared_ptr<WorkShare> share = std::make_shared<WorkShare>();  // with the queues of other contexts
  };

  // Told once the work on a key has ended and is no more counted.
  using Finished = std::function<void(const Key&, const Outcome&)>;

  // Both callbacks run on the executor's thread.
  WorkQueue(asio::any_io_executor executor, Options options, Work work, Finished on_finished);
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;
  WorkQueue(WorkQueue&&) = delete;
  WorkQueue& operator=(WorkQueue&&) = delete;
  // stop() has returned, or nothing was ever added.
  ~WorkQueue() = default;

  void add(const Key& key);     // now; ends a delay of the key
  void forget(const Key& key);  // its failures and its delay: the next failure backs off from the start
  void pause();                 // starts nothing more until resume(); what is in work goes on
  void resume();
  [[nodiscard]] bool idle() const;  // nothing queued, nothing in work (delayed keys do not count)
  // Nothing is in work, and nothing will be before something else happens.
  [[nodiscard]] bool quiet() const { return processing_.empty() && (queue_.empty() || paused_); }
  [[nodiscard]] bool works_on(const Key& key) const { return processing_.contains(key); }
  // Whether a key is queued, in work, or waits to be tried again.
  [[nodiscard]] bool holds(const Key& key) const { return works_on(key) || dirty_.contains(key) || next_try(key); }
  [[nodiscard]] bool empty() const { return depth() == 0 && delayed_.empty(); }  // it holds none
  // When the key is tried again without an event, if it waits for that.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> next_try(const Key& key) const;
  [[nodiscard]] std::size_t depth() const { return queue_.size() + processing_.size(); }

  // Returns when quiet() holds.
  asio::awaitable<void> settled();

  // Cancels what is in work, drops what is queued, and returns when all has ended.
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
  bool wide_ = false;         // see WorkShare; until nothing is in work
  std::size_t finished_ = 0;  // keys since then

  // queue_ holds the order; each key of it is in dirty_ and none of it is in processing_.
  std::deque<Key> queue_;
  // What must be worked on: queued, or added again while in processing_.
  std::unordered_set<Key, KeyHash> dirty_;
  std::unordered_set<Key, KeyHash> processing_;
  std::unordered_map<Key, int, KeyHash> failures_;
  std::unordered_map<Key, int, KeyHash> busy_;  // how often in a row
  // Keys that wait for their time, each in both maps.
  std::multimap<std::chrono::steady_clock::time_point, Key> by_time_;
  std::unordered_map<Key, std::chrono::steady_clock::time_point, KeyHash> delayed_;
  asio::steady_timer timer_;
  std::optional<std::chrono::steady_clock::time_point> armed_;  // when timer_ fires

  std::list<asio::cancellation_signal> signals_;
  AsyncEvent quiet_;
};

}  // namespace regsync
