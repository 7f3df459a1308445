// Runs an exec credential plugin as client-go does (plugin/pkg/client/auth/exec/exec.go), with limits of its own.
//
// A plugin runs when a credential is needed and the cached one has expired or was refused. Beyond client-go:
//   - Runs are limited in time and output, and only a few plugins run at once in this process. One that takes long (its
//     own server does not answer) no longer counts towards that limit, and plugins that hung in their last run have a
//     limit of their own.
//   - Unhelpful runs (a failure, a credential that is refused at once or has already expired) are followed by pauses
//     that double from a second to two hours, because the user must fix the cause. A pause ends early when the plugin's
//     own files or its CA file change, or by end_pause(). Time that the machine sleeps counts. A new address of this
//     machine, for example of a VPN, also ends a pause; and while the machine has no route to any network, a pause is
//     at most a minute.
//   - A pause after a server's refusal applies only to the callers that were refused: for others the plugin runs when
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

  // The inputs of the pauses, replaceable in tests.
  struct World {
    std::function<BoottimeClock::time_point()> now;
    std::function<std::chrono::system_clock::time_point()> wall;
    std::function<bool()> has_network;
    std::function<std::set<std::string>()> addresses;
  };
  static World real_world();

  // The plugin of a context, shared by all contexts with an equal plugin while any of them lives.
  static std::shared_ptr<ExecPlugin> shared(const ResolvedContext& context);

  explicit ExecPlugin(const ResolvedContext& context, World world = real_world());

  // Returns the cached credential, or a fresh one. Callers that arrive while the plugin runs wait for that run and
  // share its failure. `refused`: the caller's server refused the last credential that it checked. Throws
  // Error(credential_plugin).
  asio::awaitable<Shared> current(bool refused = false);

  // After a 401 for `rejected`: returns the credential that has already replaced it, or that of another run. Returns
  // `rejected` itself during a pause.
  asio::awaitable<Shared> renew(Shared rejected);

  // The user asks to try again, perhaps after logging in as another user: the next need runs the plugin at once, even
  // if the cached credential is good. Keeps that credential if it is just minted, or if a user at our terminal was
  // already prompted for it.
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

  const ResolvedContext context_;  // supplies the cluster info
  const ExecConfig& config_;       // of context_
  World world_;
  SingleFlight<Shared> flight_;

  Shared cached_;
  BoottimeClock::time_point cached_since_;
  Shared refused_;                // the cached one, once a server refused it
  std::optional<Error> failure_;  // from the last run
  bool helped_ = false;           // the last run helped, as far as is known
  bool asked_anew_ = false;       // end_pause() since the last run began: ignore the cached credential
  bool hangs_ = false;            // the last run timed out

  int unhelpful_ = 0;  // consecutive unhelpful runs
  BoottimeClock::time_point paused_until_;
  bool paused_by_refusal_ = false;
  std::vector<FileStamp> files_;                         // when the pause began
  std::set<std::string> addresses_;                      // of this machine, at that time or at the last check since
  std::optional<BoottimeClock::time_point> began_anew_;  // when pauses last restarted for a new address
};

}  // namespace regsync::kube
