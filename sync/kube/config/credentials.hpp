// The credentials that the requests of one context carry, always fresh.
//
// Files are read again when they change (client-go: every minute for tokens, every five for certificates); content that
// cannot be used, such as a certificate without its new key yet, keeps the last good one. Credentials are never sent
// over plain http (client-go: rest.IsConfigTransportTLS); who to act as, which is none, is (tools/clientcmd
// client_config.go, ClientConfig). Lives on the io_context thread.
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
  // read_interval: the files are asked for changes at most this often. Throws Error(kubeconfig) where a file is missing
  // or unusable from the start.
  explicit Credentials(ResolvedContext context,
                       std::chrono::steady_clock::duration read_interval = std::chrono::seconds(1));
  ~Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  Credentials(Credentials&&) = delete;
  Credentials& operator=(Credentials&&) = delete;

  [[nodiscard]] const ResolvedContext& context() const { return context_; }

  // The same one until something changes. May run the exec plugin. Throws Error(credential_plugin) when that fails, and
  // Error(unauthorized) for a token that says itself that it has expired. The caller keeps this object alive meanwhile.
  asio::awaitable<std::shared_ptr<const RequestCredentials>> current();

  // After a 401 for a proof: looks for something newer (token file, plugin). True when there is.
  asio::awaitable<bool> renew(std::shared_ptr<const RequestCredentials> rejected);

  // A server took a proof.
  void accepted(const std::shared_ptr<const RequestCredentials>& taken);

  // A person asks: what waits because it did not help before is tried again at the next need, and so is a plugin whose
  // credential is still good, but may be somebody else's.
  void end_pause();

  // Shares TLS material with `former` where it is the same, so that its connections go on being used.
  void take_over(const Credentials& former);

 private:
  using Stamps = std::array<FileStamp, 4>;  // token, CA, certificate, key

  void read_files(bool now);
  bool load_token();  // true when it changed
  bool load_tls();
  void use(std::shared_ptr<const ExecCredential> minted);
  void compose();
  void prove(RequestCredentials& proof) const;

  const ResolvedContext context_;
  const std::chrono::steady_clock::duration read_interval_;
  const bool secure_;                       // https
  std::vector<std::string> fixed_headers_;  // who asks, and for whom (impersonation)
  std::shared_ptr<ExecPlugin> plugin_;      // shared by contexts with the same plugin and cluster info

  // What the proof is composed of.
  SecretString token_;
  std::shared_ptr<const TlsMaterial> files_tls_;
  std::shared_ptr<const ExecCredential> minted_;
  std::shared_ptr<const RequestCredentials> proof_;

  bool refused_ = false;          // the last proof that the server judged, it did not take
  std::optional<Stamps> stamps_;  // none until the files are read first
  std::chrono::steady_clock::time_point read_;
};

}  // namespace regsync::kube
