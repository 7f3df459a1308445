// Footprints in ConfigMaps of the hub, one per target, so that what a replica remembers can be taken over by another.
//
// Each context has a key of its own in `data`, and a replica writes the keys of its own contexts only, so that several
// replicas share a ConfigMap without conflicts. What is remembered counts as pending until the hub has it. What others
// write is followed by a watch. A ConfigMap that cannot be understood is the problem of its target, and is left as it
// is. Lives on the io_context thread.
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

// Whether an owner can be part of the names and the value of the label of these ConfigMaps.
bool can_own_config_maps(std::string_view owner);

class FootprintConfigMaps final : public Footprints {
 public:
  struct Place {
    std::string name_space;
    std::string owner;  // Owner::id: those of another owner are not looked at
  };
  struct Handlers {
    // Whether this replica may write what is known of a context, at this moment. Must not throw.
    std::function<bool(const std::string& context)> may_write;
    std::function<void()> on_change;  // what is remembered, or whether it is pending, differs
  };

  // hub: who asks; a client of its own is made, whose writes are guarded.
  FootprintConfigMaps(asio::any_io_executor executor, kube::ResolvedContext hub, Place place, Handlers handlers);
  // The same over another transport, for tests.
  FootprintConfigMaps(asio::any_io_executor executor, kube::ResolvedContext hub,
                      std::unique_ptr<kube::HttpTransport> transport, Place place, Handlers handlers);
  ~FootprintConfigMaps() override;
  FootprintConfigMaps(const FootprintConfigMaps&) = delete;
  FootprintConfigMaps& operator=(const FootprintConfigMaps&) = delete;
  FootprintConfigMaps(FootprintConfigMaps&&) = delete;
  FootprintConfigMaps& operator=(FootprintConfigMaps&&) = delete;

  // Begins. No handler is called before this returns.
  void start();

  // As KubeClient's.
  void use_credentials_of(kube::ResolvedContext hub) { hub_.use_credentials_of(std::move(hub)); }
  void end_pause() { hub_.end_pause(); }

  [[nodiscard]] bool is_pending(const std::string& target, const std::string& context) const override;
  [[nodiscard]] bool keeps_pins() const override { return true; }
  [[nodiscard]] std::optional<Error> warning(const std::string& target) const override;

  // The moment as of which all is known that the hub held then; nothing before the first complete list.
  [[nodiscard]] std::optional<BoottimeClock::time_point> known_as_of() const { return known_as_of_; }
  // Lists them again, which moves known_as_of().
  void read_again();

  // Why they cannot be read or written now.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_ ? problem_ : watch_problem_; }

  // Writes what is pending, for a moment, and ends.
  asio::awaitable<void> stop();

 private:
  // A ConfigMap as the hub has it.
  struct Kept {
    std::string version;
    FootprintData data;
    Footprint footprint;   // what `data` says
    std::size_t size = 0;  // of `data`
  };
  // What differs from it.
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
  // changes: by key; nothing: the key is taken away.
  asio::awaitable<void> send(std::string target, std::map<std::string, std::optional<std::string>> changes);
  asio::awaitable<void> remove_if_empty(std::string target);
  asio::awaitable<std::optional<Error>> read_or_fail(std::string target);
  [[nodiscard]] bool is_ours(const nlohmann::json& object, const std::string& target) const;

  void on_event(const kube::WatchEvent& event);
  void see(const std::string& target, const nlohmann::json& object);
  void write_again(const std::string& target, const Footprint& told);
  void keep_pending(const std::string& target, Footprint& merged) const;
  // The answer to a write, which may come after the event of a newer one.
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
  std::set<std::string> listed_;            // the targets that the present list has brought
  std::set<std::string> doubted_;           // that a list has as older than they were: they are to be read
  bool listing_ = false;
  std::optional<BoottimeClock::time_point> listed_as_of_;  // of the last complete list
  std::optional<BoottimeClock::time_point> known_as_of_;   // the same, when none is doubted
  BoottimeClock::time_point asked_at_;
  std::optional<Error> problem_;        // of the last write
  std::optional<Error> watch_problem_;  // neither ends the other

  AsyncEvent wake_;
  bool stopping_ = false;
  asio::cancellation_signal cancel_;
  TaskGroup tasks_;
  HubWatch watch_;
};

}  // namespace regsync
