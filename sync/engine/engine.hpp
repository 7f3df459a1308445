// Engine is regsync without a process around it: it takes targets, contexts and logins, and keeps clusters true to
// them.
//
//   set_targets ────┐
//   set_kubeconfig ─┼─► per context a DesiredState ─► Cluster ─► API server
//   set_logins ─────┘
//
// The daemon feeds it from monitors; `regsync sync --once` feeds it once. Lives on the io_context thread, owned by
// whoever runs that.
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
  // What a file no longer says counts once it has stayed so for this long and was read again: it may have been read
  // while it was being written. So do labels that a namespace lost.
  std::chrono::milliseconds grace = default_grace;
  std::filesystem::path login_places = {};       // where it is remembered what held a login; empty: nowhere
  std::chrono::milliseconds login_settle{3000};  // a login is gone that is missing in two readings this far apart
  // A context that leads to another cluster once more is not believed before this has passed: each time, the footprints
  // of all targets are written, and a server may say another uid each time.
  std::chrono::milliseconds move_pause{30'000};
  // The targets for which it writes and deletes; none: all. The others count as paused, and those that were removed
  // before are left as they are.
  std::optional<std::set<std::string>> acting = {};
};

// What an engine asks of whoever runs it. Each is called on the io_context thread, and may call the engine back.
struct EngineHooks {
  std::function<void(const std::set<RegistryKey>&)> on_wanted;  // the registries whose logins are needed now
  std::function<void()> on_change;                              // the status changed
  std::function<void()> read_again;              // read the target files again now, and call set_targets()
  std::function<void()> read_logins_again = {};  // read the keyring again now, and call set_logins(); may be empty
  // A login of the store is in force, and another one is to take its place; may be empty.
  std::function<void(const std::shared_ptr<const Credential>&)> on_login_replaced = {};
  std::function<void(const Error& notice)> on_login_ending = {};  // see LoginBook::Hooks; may be empty
  std::function<void()> read_kubeconfig_again = {};  // read it again now, and call set_kubeconfig(); may be empty
};

class Engine {
 public:
  // footprints outlives this.
  Engine(asio::any_io_executor executor, EngineOptions options, Footprints& footprints, EngineHooks hooks);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) = delete;
  Engine& operator=(Engine&&) = delete;

  // The whole of each input, whenever it may have changed. Equal input changes nothing.
  void set_targets(TargetFiles targets);
  void set_kubeconfig(kube::Kubeconfig kubeconfig);
  void set_kubeconfig_problem(Error problem);  // the last good one stays in force
  void set_logins(StoreReading logins);
  // A person asked for a new reading: sync() waits for the next set_logins.
  void expect_reading();
  // credHelpers of Docker's config.json: registries whose logins come from another helper than ours, by their name
  // there.
  void set_cred_helpers(std::map<std::string, std::string> helpers);

  // verifyLogins and expires of config.yaml.
  void set_login_settings(bool verify, std::map<std::string, std::chrono::sys_days> expires);

  // Of several replicas, which clusters are this one's, by the address of their API server; asked before each write, so
  // it must be cheap, and must not throw. A cluster that is not, is written to no more at once, and left alone soon
  // after. Call it again whenever the answer may be another one. Without a call, all are.
  void set_share(std::function<bool(const std::string& server)> mine);

  // Whether this replica may write down what is known of a context; one that is not in the kubeconfig is nobody's.
  [[nodiscard]] bool may_remember(const std::string& context) const;
  // Other replicas changed footprints, or what was pending of them is written.
  void footprints_changed();

  // Tries everything of these targets (none: of all) now, and returns once each key was tried. adopt: takes over, this
  // once, what stands in their way: of named targets all Secrets that are not ours; of all targets those that this user
  // made on this machine under another owner id (the state folder was lost). login_time: how long to wait for logins
  // that are slow to come.
  asio::awaitable<void> sync(std::vector<std::string> targets, bool adopt,
                             std::chrono::milliseconds login_time = std::chrono::seconds(10));

  // A command of the person wrote this target's file as set_targets() was last given it: what it no longer covers is
  // deleted without waiting for the grace.
  void confirm_target(const std::string& target);

  // The person removes a target. Its Secrets are deleted, now or when their context can be reached; remembered until
  // done. keep_secrets: they stay, unmanaged. remove_file deletes its file: called when the removal is written down, so
  // that a process that is killed in between forgets nothing. Throws Error(invalid_input) where it cannot be written
  // down, and what remove_file throws: nothing was done then.
  void forget_target(const std::string& target, bool keep_secrets, const std::function<void()>& remove_file);

  // The contexts of which something is known, which are not in the kubeconfig, and which match. Throws Error, as
  // forget_contexts(), where there is none.
  [[nodiscard]] std::vector<std::string> forgettable_contexts(const std::string& pattern) const;
  // The person says that contexts that are not in the kubeconfig are gone for good: nothing is remembered of them, and
  // what is left there stays. Throws Error: invalid_input where one is in the kubeconfig, not_found where nothing is
  // known of it.
  void forget_contexts(const std::set<std::string>& contexts);
  // The person says that a context is right to lead to another cluster than before. Throws Error(not_found).
  void trust_context(const std::string& context);

  // The person pauses a context, or resumes it: nothing is written or deleted in a paused one. False where it is so
  // already. Throws Error(invalid_input) where that cannot be written down.
  bool pause_context(const std::string& context, bool paused);

  // The registries whose present login is denied, or not tried yet.
  [[nodiscard]] std::set<RegistryKey> logins_in_doubt() const;

  // A part of the status, or all of it. Throws Error(not_found) for a pattern that matches nothing; a target that does
  // not exist is left out. A summary counts again only what may have changed since the last one.
  [[nodiscard]] StatusReport status(const StatusQuery& query = {}) const;
  [[nodiscard]] StatusReport status(const std::string& target) const;
  // A summary of all targets for the page and the metrics.
  [[nodiscard]] FleetReport fleet() const;
  // The Secrets of all targets, counted by their state. After a change of a few it counts those.
  [[nodiscard]] StateCounts totals() const;
  // Why logins that targets need cannot be read now.
  [[nodiscard]] std::optional<Error> store_problem() const;

  // Gives back memory that only requests need, of each cluster that had none lately.
  IdleRelease release_idle_memory();

  // Cancels all work and waits for it to end.
  asio::awaitable<void> stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
