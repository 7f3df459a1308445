// Exec credential plugins (client.authentication.k8s.io/v1 and v1beta1), as client-go runs them
// (plugin/pkg/client/auth/exec/exec.go): a program prints an ExecCredential with a token, or a certificate and key.
//
// What client-go has not: a timeout, a limit on output, and a growing pause between runs that do not help. There is
// never a terminal: plugins run without stdin. Lives on the io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"
#include "helper/base/secret_string.hpp"
#include "sync/kube/config/kubeconfig.hpp"

namespace regsync::kube {

struct ExecCredential {
  SecretString token;
  std::string certificate;  // PEM
  SecretString key;
  std::optional<std::chrono::system_clock::time_point> expires;
};

// What a plugin printed. Pure. Throws Error(credential_plugin), never quoting the text: it may hold a token.
ExecCredential parse_exec_credential(std::string_view text, std::string_view api_version);

// The value of KUBERNETES_EXEC_INFO. Pure but for reading the CA file where cluster info is asked for.
std::string exec_info(const ResolvedContext& context);

class ExecPlugin {
 public:
  // The plugin of a context. Contexts with the same plugin and cluster share one while any of them lives: it runs
  // once for all.
  static std::shared_ptr<ExecPlugin> shared(const asio::any_io_executor& executor, const ResolvedContext& context);

  // A person may be asked for something in a browser meanwhile; a run that takes longer than `patience` hangs, and is
  // killed with all that it started.
  ExecPlugin(const asio::any_io_executor& executor, const ResolvedContext& context,
             std::chrono::milliseconds patience = std::chrono::seconds(60));

  // The credential in the cache, or a fresh one. Whoever comes while the plugin runs waits for that run, and shares
  // its failure.
  asio::awaitable<std::shared_ptr<const ExecCredential>> current();

  // After a 401 for `rejected`: what replaced it already, or the answer of one more run. Answers `rejected` itself
  // while the pause after a run that did not help lasts.
  asio::awaitable<std::shared_ptr<const ExecCredential>> renew(std::shared_ptr<const ExecCredential> rejected);

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool is_fresh() const;
  asio::awaitable<void> run_or_wait();
  asio::awaitable<ExecCredential> run();
  void pause();

  ExecConfig config_;
  std::string info_;
  std::chrono::milliseconds patience_;
  std::shared_ptr<const ExecCredential> cached_;
  std::optional<Error> failure_;  // of the last run
  bool running_ = false;
  asio::steady_timer finished_;  // cancelled when a run ends
  Clock::duration next_pause_;
  Clock::time_point paused_until_;
};

}  // namespace regsync::kube
