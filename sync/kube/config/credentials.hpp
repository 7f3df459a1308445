// The up-to-date credentials for the requests of one context.
//
// Files are read again when they change (client-go: every minute for tokens, every five for certificates); while the
// content is unusable, such as a new certificate whose key is not yet written, the last good one stays in use.
// Credentials are never sent over plain http (client-go: rest.IsConfigTransportTLS); impersonation headers, which are
// no credentials, are sent (tools/clientcmd client_config.go, ClientConfig). Lives on the io_context thread.
#pragma once

#include <array>
#include <asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/base/file_stamp.hpp"
#include "sync/kube/config/resolved_context.hpp"
#include "sync/kube/http/http_client.hpp"

namespace regsync::kube {

class ExecPlugin;
struct ExecCredential;

class Credentials {
 public:
  // read_interval: the least time between checks of the files for changes. Throws Error(kubeconfig) if a file is
  // missing or unusable from the start.
  explicit Credentials(ResolvedContext context,
                       std::chrono::steady_clock::duration read_interval = std::chrono::seconds(1));
  ~Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  Credentials(Credentials&&) = delete;
  Credentials& operator=(Credentials&&) = delete;

  [[nodiscard]] const ResolvedContext& context() const { return context_; }

  // Returns the same object until something changes. May run the exec plugin. Throws Error(credential_plugin) if that
  // fails, and Error(unauthorized) for a token whose own expiry has passed. The caller keeps this object alive
  // meanwhile.
  asio::awaitable<std::shared_ptr<const RequestCredentials>> current();

  // After a 401: looks for newer credentials (token file, plugin) than the rejected ones. True if there are any.
  asio::awaitable<bool> renew(std::shared_ptr<const RequestCredentials> rejected);

  // The server accepted these credentials.
  void accepted(const std::shared_ptr<const RequestCredentials>& taken);

  // The user asks to try again: the next need runs the plugin without waiting for a pause to end, even if its
  // credential is still good, because that may be another user's.
  void end_pause();

  // Shares TLS material with `former` if it is the same, so that existing connections stay in use.
  void take_over(const Credentials& former);

 private:
  using Stamps = std::array<FileStamp, 4>;  // token, CA, certificate, key

  void read_files(bool now);
  bool load_token();  // true if it changed
  bool load_tls();
  void use(std::shared_ptr<const ExecCredential> minted);
  void compose();
  void prove(RequestCredentials& proof) const;

  const ResolvedContext context_;
  const std::chrono::steady_clock::duration read_interval_;
  const bool secure_;                       // https
  std::vector<std::string> fixed_headers_;  // user agent and impersonation
  std::shared_ptr<ExecPlugin> plugin_;      // shared by contexts with the same plugin and cluster info

  // The parts of the proof.
  SecretString token_;
  std::shared_ptr<const TlsMaterial> files_tls_;
  std::shared_ptr<const ExecCredential> minted_;
  std::shared_ptr<const RequestCredentials> proof_;

  bool refused_ = false;          // the server refused the last proof that it checked
  std::optional<Stamps> stamps_;  // nullopt until the files are first read
  std::chrono::steady_clock::time_point read_;
};

}  // namespace regsync::kube
