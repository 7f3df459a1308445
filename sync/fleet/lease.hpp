// Lease contends for one Lease (coordination.k8s.io/v1) of a hub, as client-go does (tools/leaderelection): the holder
// renews it every `retry`, and gives up when renewal has failed for `deadline`, which is before others may take it
// (`duration` after they last saw it renewed). Waiting replicas watch it, so that they see renewals at once and take it
// when it expires. If somebody else (a person) rewrites it, its holder stops as soon as it sees another holder; a
// deleted Lease is left to its holder until it would have expired.
//
// A holder measures its lease from before the request that renewed it, by a clock that keeps running while the process
// is stopped or the machine sleeps: so held() turns false in time, even after the process was frozen. Wall clocks do
// not matter. Lives on the io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "sync/base/async_event.hpp"
#include "sync/base/boottime_timer.hpp"
#include "sync/base/task_group.hpp"
#include "sync/fleet/hub_watch.hpp"
#include "sync/kube/api/kube_client.hpp"

namespace regsync {

// client-go's defaults.
struct LeaseTimes {
  std::chrono::milliseconds duration{15'000};
  std::chrono::milliseconds deadline{10'000};
  std::chrono::milliseconds retry{2'000};
  std::chrono::milliseconds jitter{100};  // random extra time, so that waiting replicas do not all try at once
};

struct LeaseOptions {
  std::string name;
  std::string name_space;
  std::string identity;  // this replica's: unique for each process
  LeaseTimes times = {};
};

class Lease {
 public:
  enum class Intent {
    hold,     // take it when it is free, and renew it
    request,  // ask the current holder to leave it
    leave,    // do not take it; a holder stops serving, and gives it back once its work in progress has ended
  };

  struct Handlers {
    std::function<Intent(const Lease&)> intent;  // asked at each turn
    std::function<void()> on_change;  // held(), held_since(), holder(), settled() or problem() may have changed
  };

  // hub must outlive this.
  Lease(asio::any_io_executor executor, kube::KubeClient& hub, LeaseOptions options, Handlers handlers);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Lease(Lease&&) = delete;
  Lease& operator=(Lease&&) = delete;

  [[nodiscard]] const std::string& name() const { return options_.name; }
  // Whether this replica holds it at this moment.
  [[nodiscard]] bool held() const;
  // Since when, if it does.
  [[nodiscard]] BoottimeClock::time_point held_since() const { return held_since_; }
  // The holder, as last seen; empty if nobody holds it any more, or it was not read yet.
  [[nodiscard]] std::string holder() const;
  // Whether a turn has succeeded: this replica holds it, knows its holder, or leaves it to another. Before that, it may
  // be free, and this replica may hold it a moment later.
  [[nodiscard]] bool settled() const { return settled_; }
  // Who recently asked the holder for it; empty: nobody.
  [[nodiscard]] std::string requested_by() const;
  // Why the last attempt could not read or write it, or why it cannot be watched.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_ ? problem_ : watch_problem_; }

  // Gives it up, so that another replica need not wait for it to expire. Call it after the last write.
  asio::awaitable<void> stop();

 private:
  struct Told {
    std::optional<BoottimeClock::time_point> held_since;  // nullopt: not held
    std::string holder;
    bool settled = false;
    std::optional<Error> problem;
    bool operator==(const Told&) const = default;
  };

  [[nodiscard]] kube::ObjectPath path() const;
  asio::awaitable<void> contend();
  asio::awaitable<void> watch_deadline();
  asio::awaitable<void> take_turn();
  asio::awaitable<void> read();
  asio::awaitable<void> take_or_renew();
  asio::awaitable<void> create();
  asio::awaitable<void> request();
  asio::awaitable<void> leave();
  asio::awaitable<void> write(nlohmann::json spec);
  asio::awaitable<void> patch(nlohmann::json operations);
  [[nodiscard]] std::chrono::milliseconds pause() const;
  [[nodiscard]] nlohmann::json our_spec() const;
  void on_event(const kube::WatchEvent& event);
  [[nodiscard]] bool is_news(const nlohmann::json& lease) const;
  void see(const nlohmann::json& lease);
  void see_none();
  void tell();

  asio::any_io_executor executor_;
  kube::KubeClient& hub_;
  const LeaseOptions options_;
  const Handlers handlers_;

  bool requesting_ = false;  // our request is in flight

  // As last seen:
  bool seen_once_ = false;
  bool exists_ = false;
  std::string version_;
  nlohmann::json spec_;
  nlohmann::json annotations_;
  std::string holder_;
  int transitions_ = 0;
  BoottimeClock::time_point free_at_;  // when it may be taken, if it stays unchanged or gone until then
  std::string requester_;
  std::string request_time_;  // as written in the Lease
  BoottimeClock::time_point requested_at_;

  bool settled_ = false;
  bool read_again_ = false;  // the last observation may be out of date
  std::string acquired_;     // when we took it, in the API's format
  BoottimeClock::time_point held_since_;
  BoottimeClock::time_point held_until_;  // or when it was given up
  std::optional<Error> problem_;          // from the last attempt
  std::optional<Error> watch_problem_;    // kept apart: neither clears the other
  std::optional<Told> told_;

  AsyncEvent wake_;
  BoottimeTimer deadline_;
  asio::cancellation_signal cancel_;
  bool stopping_ = false;
  TaskGroup tasks_;
  HubWatch watch_;
};

}  // namespace regsync
