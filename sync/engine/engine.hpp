// Engine is regsync without a process around it: it takes targets, contexts and logins, and keeps clusters in line with
// them.
//
//   set_targets ────┐
//   set_kubeconfig ─┼─► per context a DesiredState ─► Cluster ─► API server
//   set_logins ─────┘
//
// The daemon feeds it from monitors; `regsync sync --once` feeds it once. Lives on the io_context thread, owned by the
// daemon or the command.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"
#include "sync/base/idle_release.hpp"
#include "sync/cluster/cluster_options.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/model/fleet_report.hpp"
#include "sync/model/status_query.hpp"

namespace regsync {

class Footprints;

struct EngineOptions {
  ClusterOptions cluster;
  std::filesystem::path state;  // the folder of contexts.json, paused.json and history.jsonl
  // What a file no longer declares takes effect after it has stayed so for this long and was read again: the file may
  // have been read while it was being written. The same holds for labels that a namespace lost.
  std::chrono::milliseconds grace = default_grace;
  std::filesystem::path login_places = {};       // the file that records where logins were kept; empty: none
  std::chrono::milliseconds login_settle{3000};  // a login is gone if it is missing in two readings this far apart
  // A context that moves to another cluster again is not believed before this has passed: each move rewrites the
  // footprints of all targets, and a server may report a new uid every time.
  std::chrono::milliseconds move_pause{30'000};
  // The targets that it writes and deletes for; nothing: all. Others count as paused, and those removed earlier are
  // left as they are.
  std::optional<std::set<std::string>> acting = {};
};

// Callbacks to the owner of an engine. Each is called on the io_context thread and may call back into the engine.
struct EngineHooks {
  std::function<void(const std::set<RegistryKey>&)> on_wanted;  // the registries whose logins are needed now
  std::function<void()> on_change;                              // the status changed
  std::function<void()> read_again;              // read the target files again now, and call set_targets()
  std::function<void()> read_logins_again = {};  // read the keyring again now, and call set_logins(); may be empty
  // A login of the store is in use, and another one is about to replace it; may be empty.
  std::function<void(const std::shared_ptr<const Credential>&)> on_login_replaced = {};
  std::function<void(const Error& notice)> on_login_ending = {};  // see LoginBook::Hooks; may be empty
  std::function<void()> read_kubeconfig_again = {};  // read it again now, and call set_kubeconfig(); may be empty
};

class Engine {
 public:
  // footprints must outlive this.
  Engine(asio::any_io_executor executor, EngineOptions options, Footprints& footprints, EngineHooks hooks);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) = delete;
  Engine& operator=(Engine&&) = delete;

  // Pass each input as a whole whenever it may have changed. Equal input has no effect.
  void set_targets(TargetFiles targets);
  void set_kubeconfig(kube::Kubeconfig kubeconfig);
  void set_kubeconfig_problem(Error problem);  // the last good one stays in force
  void set_logins(StoreReading logins);
  // The user asked for a new reading: sync() waits for the next set_logins().
  void expect_reading();
  // credHelpers of Docker's config.json: registries, as spelled there, whose logins come from a helper other than ours.
  void set_cred_helpers(std::map<std::string, std::string> helpers);

  // verifyLogins and expires of config.yaml.
  void set_login_settings(bool verify, std::map<std::string, std::chrono::sys_days> expires);

  // Sets which clusters this replica serves, by API server address. Called before each write, so it must be cheap and
  // must not throw. A cluster that is no longer served gets no more writes at once, and is stopped soon after. Call
  // set_share() again whenever the answer may have changed. Without a call, all clusters are served.
  void set_share(std::function<bool(const std::string& server)> mine);

  // Whether this replica may write a context's footprint; a context that is not in the kubeconfig belongs to no
  // replica.
  [[nodiscard]] bool may_remember(const std::string& context) const;
  // Other replicas changed footprints, or pending changes were written.
  void footprints_changed();

  // Tries everything of these targets (empty: of all) now, and returns once each key was tried. adopt: takes over,
  // once, the Secrets that are in their way: for named targets all Secrets that are not ours; for all targets those
  // that this user made on this machine under another owner id (the state folder was lost). login_time: how long to
  // wait for slow logins.
  asio::awaitable<void> sync(std::vector<std::string> targets, bool adopt,
                             std::chrono::milliseconds login_time = std::chrono::seconds(10));

  // A user's command wrote this target's file as last passed to set_targets(): what it no longer covers is deleted
  // without the grace period.
  void confirm_target(const std::string& target);

  // The user removes a target. Its Secrets are deleted, now or once their context is reachable; the removal is
  // remembered until done. keep_secrets: they stay, unmanaged. remove_file deletes the target's file; it is called
  // after the removal is written down, so that a process killed in between forgets nothing. Throws Error(invalid_input)
  // if the removal cannot be written down, and rethrows from remove_file: nothing has changed then.
  void forget_target(const std::string& target, bool keep_secrets, const std::function<void()>& remove_file);

  // The known contexts that are not in the kubeconfig and match. Throws Error like forget_contexts() if there is none.
  [[nodiscard]] std::vector<std::string> forgettable_contexts(const std::string& pattern) const;
  // The user declares contexts that are not in the kubeconfig gone for good: they are forgotten, and what is left there
  // stays. Throws Error: invalid_input if one is in the kubeconfig, not_found if nothing is known about it.
  void forget_contexts(const std::set<std::string>& contexts);
  // The user confirms that a context leads to another cluster than before. Throws Error(not_found).
  void trust_context(const std::string& context);

  // Pauses or resumes a context: nothing is written or deleted in a paused one. Returns false if it is in that state
  // already. Throws Error(invalid_input) if the state cannot be written down.
  bool pause_context(const std::string& context, bool paused);

  // The registries whose current login is denied or not tried yet.
  [[nodiscard]] std::set<RegistryKey> logins_in_doubt() const;

  // Returns all or part of the status. Throws Error(not_found) for a pattern that matches nothing; a target that does
  // not exist is omitted. A summary recounts only what may have changed since the last one.
  [[nodiscard]] StatusReport status(const StatusQuery& query = {}) const;
  [[nodiscard]] StatusReport status(const std::string& target) const;
  // A summary of all targets for the page and the metrics.
  [[nodiscard]] FleetReport fleet() const;
  // The number of Secrets of all targets by state. Recounts only what changed.
  [[nodiscard]] StateCounts totals() const;
  // Why needed logins cannot be read now.
  [[nodiscard]] std::optional<Error> store_problem() const;

  // Releases memory that only requests need, for each cluster that had none recently.
  IdleRelease release_idle_memory();

  // Cancels all work and waits until it has ended.
  asio::awaitable<void> stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
