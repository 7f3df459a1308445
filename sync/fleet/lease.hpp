// One Lease (coordination.k8s.io/v1) of a hub, contended for as client-go does it (tools/leaderelection): whoever holds
// it renews it every `retry`, and gives up by itself when that has failed for `deadline`, which is before others may
// take it (`duration` after they last saw it renewed). Those who wait follow it with a watch, so that they see a
// renewal when it happens, and take it when its time is up. Where somebody else (a person) writes it, its holder stops
// as soon as it sees that it is another's; one that was deleted is left to its holder until its time is up.
//
// What a holder knows of its lease is counted from before the request that renewed it, by a clock that a stopped
// process and a sleeping machine do not stop: so held() is false in time, whatever froze the process meanwhile.
// Nobody's wall clock matters. Lives on the io_context thread.
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
  std::chrono::milliseconds jitter{100};  // up to this more, so that not all who wait try in the same moment
};

struct LeaseOptions {
  std::string name;
  std::string name_space;
  std::string identity;  // of this replica: unique for each process
  LeaseTimes times = {};
};

class Lease {
 public:
  enum class Intent {
    hold,     // take it when it is free, and renew it
    request,  // ask the present holder to leave it
    leave,    // do not take it; a holder stops being one, and gives it back when nothing of its work is under way
  };

  struct Handlers {
    std::function<Intent(const Lease&)> intent;  // asked at each turn
    std::function<void()> on_change;             // held(), held_since(), holder(), settled() or problem() may differ
  };

  // hub outlives this.
  Lease(asio::any_io_executor executor, kube::KubeClient& hub, LeaseOptions options, Handlers handlers);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Lease(Lease&&) = delete;
  Lease& operator=(Lease&&) = delete;

  [[nodiscard]] const std::string& name() const { return options_.name; }
  // Whether this replica holds it at this moment.
  [[nodiscard]] bool held() const;
  // Since when, where it does.
  [[nodiscard]] BoottimeClock::time_point held_since() const { return held_since_; }
  // Who holds it as far as can be seen; empty: nobody does any more, or it was not read yet.
  [[nodiscard]] std::string holder() const;
  // Whether a turn has succeeded: this replica holds it, knows who does, or leaves it to another. Before that it may
  // be free, and held by this replica a moment later.
  [[nodiscard]] bool settled() const { return settled_; }
  // Who asked, lately, to get it from its holder; empty: nobody.
  [[nodiscard]] std::string requested_by() const;
  // Why it could not be read or written at the last try, or cannot be followed.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_ ? problem_ : watch_problem_; }

  // Gives it up, so that another replica need not wait. Call it when nothing is written any more.
  asio::awaitable<void> stop();

 private:
  struct Told {
    std::optional<BoottimeClock::time_point> held_since;  // nullopt: it is not held
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

  bool requesting_ = false;  // the request is under way

  // As last seen.
  bool seen_once_ = false;
  bool exists_ = false;
  std::string version_;
  nlohmann::json spec_;
  nlohmann::json annotations_;
  std::string holder_;
  int transitions_ = 0;
  BoottimeClock::time_point free_at_;  // it may be taken then, if it is seen unchanged, or gone, until then
  std::string requester_;
  std::string request_time_;  // as its Lease has it
  BoottimeClock::time_point requested_at_;

  bool settled_ = false;
  bool read_again_ = false;  // what was seen last may be out of date
  std::string acquired_;     // when we took it, as the API writes times
  BoottimeClock::time_point held_since_;
  BoottimeClock::time_point held_until_;  // or when it was left
  std::optional<Error> problem_;          // of the last try
  std::optional<Error> watch_problem_;    // neither ends the other
  std::optional<Told> told_;

  AsyncEvent wake_;
  BoottimeTimer deadline_;
  asio::cancellation_signal cancel_;
  bool stopping_ = false;
  TaskGroup tasks_;
  HubWatch watch_;
};

}  // namespace regsync
