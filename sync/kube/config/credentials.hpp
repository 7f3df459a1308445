// What the requests of one context carry to prove who we are, always fresh.
//
// Files are looked at again when they change (client-go looks every minute at tokens and every five at
// certificates); content that cannot be used, such as a certificate without its new key yet, keeps the last good one.
// Nothing is ever sent over plain http (client-go: rest.IsConfigTransportTLS). Lives on the io_context thread.
#pragma once

#include <array>
#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/kube/config/kubeconfig.hpp"
#include "sync/kube/http/http_client.hpp"

namespace regsync::kube {

class ExecPlugin;
struct ExecCredential;

class Credentials {
 public:
  // `context` outlives this object. Throws Error(kubeconfig) where a file is missing or unusable from the start.
  Credentials(const asio::any_io_executor& executor, const ResolvedContext& context);
  ~Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  Credentials(Credentials&&) = delete;
  Credentials& operator=(Credentials&&) = delete;

  // The same one until something changes. May run the exec plugin; throws Error(credential_plugin) when that fails.
  asio::awaitable<std::shared_ptr<const Proof>> current();

  // After a 401 for a proof: looks for something newer (token file, plugin). True when there is.
  asio::awaitable<bool> renew(std::shared_ptr<const Proof> rejected);

 private:
  struct FileStamp {
    std::int64_t modified_ns = -1;
    std::int64_t size = -1;
    std::uint64_t inode = 0;
    bool operator==(const FileStamp&) const = default;
  };
  static FileStamp stamp_of(const std::string& path);

  using Stamps = std::array<FileStamp, 4>;  // token, CA, certificate, key

  void look_at_files(bool now);
  bool load_token();  // true when it changed
  bool load_tls();
  void use(std::shared_ptr<const ExecCredential> minted);
  void compose();
  void prove(Proof& proof) const;

  const ResolvedContext& context_;
  const bool secure_;                       // https
  std::vector<std::string> fixed_headers_;  // who asks, and for whom (impersonation)
  std::shared_ptr<ExecPlugin> plugin_;      // shared by contexts with the same plugin and cluster

  // What the proof is composed of.
  SecretString token_;
  std::shared_ptr<const TlsMaterial> files_tls_;
  std::shared_ptr<const ExecCredential> minted_;
  std::shared_ptr<const Proof> proof_;

  std::optional<Stamps> stamps_;  // none until the first look
  std::chrono::steady_clock::time_point looked_;
};

}  // namespace regsync::kube
