// A real Kubernetes API server of a test's own (see tests/servers/kube-up), ended with this object.
//
// Boots in about 3 s and takes 200 MB, so share one per executable: a function-local static, in tests registered
// with regsync_test(… WHOLE), each in namespaces of its own.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {

class KubeServer {
 public:
  struct Options {
    bool audit = false;
    std::string contexts = "a,b";         // names of the contexts in the kubeconfig, all of this server
    std::vector<std::string> flags = {};  // more of kube-apiserver's
  };

  // Whether this machine has a kube-apiserver and etcd. If not: SKIP_OR_FAIL.
  static bool available();

  KubeServer();
  explicit KubeServer(const Options& options);  // throws std::runtime_error with the ends of the logs
  ~KubeServer();
  KubeServer(const KubeServer&) = delete;
  KubeServer& operator=(const KubeServer&) = delete;
  KubeServer(KubeServer&&) = delete;
  KubeServer& operator=(KubeServer&&) = delete;

  // Where kube-up put its files.
  [[nodiscard]] std::filesystem::path dir() const { return temp_ / "kube"; }
  [[nodiscard]] std::filesystem::path kubeconfig() const { return dir() / "admin.kubeconfig"; }  // the administrator
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::string token(std::string_view user) const;  // alice, bob: no rights yet; admin

  // A kubeconfig of one context for a user with a token, to be written to a file.
  [[nodiscard]] std::string kubeconfig_of(std::string_view user, std::string_view context) const;

  // A client certificate for a user, signed by the server's authority. Replaces both files whole.
  void issue(const std::string& user, const std::filesystem::path& certificate, const std::filesystem::path& key) const;

  // kubectl as the administrator.
  [[nodiscard]] Outcome kubectl(std::vector<std::string> arguments, std::string in = {}) const;

  // The object that `kubectl get …` answers; throws std::runtime_error when there is none.
  [[nodiscard]] nlohmann::json get(std::vector<std::string> arguments) const;

  // Takes the API server, or the etcd behind it, away as a crash would; brings back what is away: same port, same
  // data.
  void kill() const;
  void kill_etcd() const;
  void start_again() const;

  // Their processes now; whether the API server's is one.
  [[nodiscard]] pid_t api_server() const;
  [[nodiscard]] pid_t etcd() const;
  [[nodiscard]] bool runs() const;

  // Makes etcd forget all versions but the present one.
  void compact() const;

  // With Options::audit: the finished requests so far, oldest first (audit.k8s.io/v1 Event), but for the first `from`.
  [[nodiscard]] std::vector<nlohmann::json> audit(std::size_t from = 0) const;

 private:
  TempDir temp_;
};

}  // namespace regsync::test
