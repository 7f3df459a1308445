// Runs an exec credential plugin as client-go does (plugin/pkg/client/auth/exec/exec.go), with limits of its own.
//
// A plugin runs when a credential is needed and the one in the cache has expired or was refused. Beyond client-go:
//   - A run has a limit of time and output, and only a few plugins run at once in this process; one that takes long (a
//     server of its own that does not answer) does not count any more, and those that hung wait among themselves.
//   - Runs that do not help (a failure, a credential that is refused at once or has expired already) are followed by
//     pauses that double from a second to two hours, because the rest is a person's to mend. A pause ends early when
//     the plugin's own files change (and the CA file that it is told), or by end_pause(). Time that the machine sleeps
//     counts. What a person need not mend ends it too: other addresses of this machine, as when a VPN comes; and while
//     it has no way to any network, a pause is at most a minute.
//   - A pause that a server's refusal began holds only for those who were refused: for the others the plugin runs when
//     the credential expires.
//   - Contexts with the same command, arguments, environment and cluster info share one plugin and its credential.
// Lives on the io_context thread.
#pragma once

#include <asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/boottime_timer.hpp"
#include "sync/base/file_stamp.hpp"
#include "sync/base/single_flight.hpp"
#include "sync/kube/config/exec_credential.hpp"

namespace regsync {
struct ChildResult;
}

namespace regsync::kube {

class ExecPlugin {
 public:
  using Shared = std::shared_ptr<const ExecCredential>;

  // What a plugin's pauses depend on, for tests.
  struct World {
    std::function<BoottimeClock::time_point()> now;
    std::function<std::chrono::system_clock::time_point()> wall;
    std::function<bool()> has_network;
    std::function<std::set<std::string>()> addresses;
  };
  static World real_world();

  // The plugin of a context, shared with the contexts that have the same while any of them lives.
  static std::shared_ptr<ExecPlugin> shared(const ResolvedContext& context);

  explicit ExecPlugin(const ResolvedContext& context, World world = real_world());

  // The credential in the cache, or a fresh one. Callers who come while the plugin runs wait for that run, and share
  // its failure. `refused`: the last one that the caller's server judged it did not take. Throws
  // Error(credential_plugin).
  asio::awaitable<Shared> current(bool refused = false);

  // After a 401 for `rejected`: what replaced it already, or the credential of one more run. Returns `rejected` itself
  // while a pause lasts.
  asio::awaitable<Shared> renew(Shared rejected);

  // A person asks, who may have logged in as somebody else: the next need runs the plugin at once, even if the
  // credential in the cache is good. Where that is just new, or the person sits at our terminal and was asked already,
  // it stays.
  void end_pause();

 private:
  [[nodiscard]] bool is_fresh() const;
  [[nodiscard]] bool in_pause();
  [[nodiscard]] bool has_new_address();
  [[nodiscard]] bool is_interactive() const;
  [[nodiscard]] std::vector<FileStamp> own_files() const;
  asio::awaitable<Shared> run_shared();
  asio::awaitable<Shared> run();
  asio::awaitable<ExecCredential> run_command();
  [[nodiscard]] std::string what_it_says(const ChildResult& result) const;
  void pause_after(BoottimeClock::time_point since, int unhelpful);

  const ResolvedContext context_;  // what the plugin is told of the cluster
  const ExecConfig& config_;       // of context_
  World world_;
  SingleFlight<Shared> flight_;

  Shared cached_;
  BoottimeClock::time_point cached_since_;
  Shared refused_;                // the cached one, once a server refused it
  std::optional<Error> failure_;  // of the last run
  bool helped_ = false;           // the last run did, as far as is known
  bool asked_anew_ = false;       // since the last run began: the cached one does not count
  bool hangs_ = false;            // the last run ended because its time was up

  int unhelpful_ = 0;  // runs in a row that did not help
  BoottimeClock::time_point paused_until_;
  bool paused_by_refusal_ = false;
  std::vector<FileStamp> files_;                         // when the pause began
  std::set<std::string> addresses_;                      // of this machine, then or at the last look since
  std::optional<BoottimeClock::time_point> began_anew_;  // the pauses, for a new address
};

}  // namespace regsync::kube
