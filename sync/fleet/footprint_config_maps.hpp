// FootprintConfigMaps keeps footprints in ConfigMaps of the hub, one per target, so that replicas can take over from
// each other.
//
// Each context has its own key in `data`, and a replica writes only the keys of its own contexts, so that several
// replicas share a ConfigMap without conflicts. A change counts as pending until the hub has it. A watch follows the
// writes of others. A ConfigMap that cannot be parsed is a problem of its target and is left as it is. Lives on the
// io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/async_event.hpp"
#include "sync/base/boottime_timer.hpp"
#include "sync/base/task_group.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/fleet/footprint_data.hpp"
#include "sync/fleet/hub_watch.hpp"
#include "sync/kube/api/kube_client.hpp"

namespace regsync {

// Whether an owner can be used in the names and the label value of these ConfigMaps.
bool can_own_config_maps(std::string_view owner);

class FootprintConfigMaps final : public Footprints {
 public:
  struct Place {
    std::string name_space;
    std::string owner;  // Owner::id: ConfigMaps of other owners are ignored
  };
  struct Handlers {
    // Whether this replica may write a context's footprint at this moment. Must not throw.
    std::function<bool(const std::string& context)> may_write;
    std::function<void()> on_change;  // a footprint, or whether it is pending, changed
  };

  // hub: the identity for requests; this makes a client of its own, whose writes are guarded.
  FootprintConfigMaps(asio::any_io_executor executor, kube::ResolvedContext hub, Place place, Handlers handlers);
  // The same over another transport, for tests.
  FootprintConfigMaps(asio::any_io_executor executor, kube::ResolvedContext hub,
                      std::unique_ptr<kube::HttpTransport> transport, Place place, Handlers handlers);
  ~FootprintConfigMaps() override;
  FootprintConfigMaps(const FootprintConfigMaps&) = delete;
  FootprintConfigMaps& operator=(const FootprintConfigMaps&) = delete;
  FootprintConfigMaps(FootprintConfigMaps&&) = delete;
  FootprintConfigMaps& operator=(FootprintConfigMaps&&) = delete;

  // Starts. Calls no handler before it returns.
  void start();

  // See KubeClient.
  void use_credentials_of(kube::ResolvedContext hub) { hub_.use_credentials_of(std::move(hub)); }
  void end_pause() { hub_.end_pause(); }

  [[nodiscard]] bool is_pending(const std::string& target, const std::string& context) const override;
  [[nodiscard]] bool keeps_pins() const override { return true; }
  [[nodiscard]] std::optional<Error> warning(const std::string& target) const override;

  // The time as of which everything in the hub is known; nothing before the first complete list.
  [[nodiscard]] std::optional<BoottimeClock::time_point> known_as_of() const { return known_as_of_; }
  // Lists them again, which advances known_as_of().
  void read_again();

  // Why the ConfigMaps cannot be read or written now.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_ ? problem_ : watch_problem_; }

  // Writes pending footprints for a short time, then stops.
  asio::awaitable<void> stop();

 private:
  // A ConfigMap as the hub has it.
  struct Kept {
    std::string version;
    FootprintData data;
    Footprint footprint;   // parsed from `data`
    std::size_t size = 0;  // of `data`
  };
  // Changes that the ConfigMap lacks.
  struct Pending {
    std::set<std::string> contexts;
    bool flag = false;  // `forgotten`
    [[nodiscard]] bool empty() const { return contexts.empty() && !flag; }
  };

  void keep(const std::string& target, const Footprint& footprint) override;
  [[nodiscard]] bool is_still_unreadable(const std::string& target) const override;

  [[nodiscard]] std::string name_of(const std::string& target) const;
  [[nodiscard]] kube::ObjectPath path_of(const std::string& target) const;
  asio::awaitable<void> write_pending();
  asio::awaitable<std::optional<Error>> write_or_read(std::string target);
  asio::awaitable<void> write(std::string target);
  // changes: by key; nothing removes the key.
  asio::awaitable<void> send(std::string target, std::map<std::string, std::optional<std::string>> changes);
  asio::awaitable<void> remove_if_empty(std::string target);
  asio::awaitable<std::optional<Error>> read_or_fail(std::string target);
  [[nodiscard]] bool is_ours(const nlohmann::json& object, const std::string& target) const;

  void on_event(const kube::WatchEvent& event);
  void see(const std::string& target, const nlohmann::json& object);
  void write_again(const std::string& target, const Footprint& told);
  void keep_pending(const std::string& target, Footprint& merged) const;
  // Takes the answer to a write, which may arrive after the event of a newer one.
  void see_answer(const std::string& target, const nlohmann::json& object);
  void note_known();
  void see_gone(const std::string& target);
  void leave_to_others(const std::string& target, Pending& pending);

  asio::any_io_executor executor_;
  kube::KubeClient hub_;
  const Place place_;
  const Handlers handlers_;

  std::map<std::string, Kept> kept_;        // by target
  std::map<std::string, Pending> pending_;  // by target
  std::set<std::string> listed_;            // the targets in the current list
  std::set<std::string> doubted_;           // targets that a list shows in an older version than before: to be read
  bool listing_ = false;
  std::optional<BoottimeClock::time_point> listed_as_of_;  // of the last complete list
  std::optional<BoottimeClock::time_point> known_as_of_;   // the same, once no target is doubted
  BoottimeClock::time_point asked_at_;
  std::optional<Error> problem_;        // from the last write
  std::optional<Error> watch_problem_;  // kept apart: neither clears the other

  AsyncEvent wake_;
  bool stopping_ = false;
  asio::cancellation_signal cancel_;
  TaskGroup tasks_;
  HubWatch watch_;
};

}  // namespace regsync
