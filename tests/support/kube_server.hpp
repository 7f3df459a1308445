// KubeServer is a real Kubernetes API server for a test (see tests/servers/kube-up); the destructor ends it.
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
    std::vector<std::string> flags = {};  // further flags of kube-apiserver
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

  // The folder with the files of kube-up.
  [[nodiscard]] std::filesystem::path dir() const { return temp_ / "kube"; }
  [[nodiscard]] std::filesystem::path kubeconfig() const { return dir() / "admin.kubeconfig"; }  // the administrator
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::string token(std::string_view user) const;  // alice, bob: no rights yet; admin

  // Returns the text of a kubeconfig with one context, for a user with a token.
  [[nodiscard]] std::string kubeconfig_of(std::string_view user, std::string_view context) const;

  // Writes a client certificate for a user, signed by the server's authority. Replaces both files atomically.
  void issue(const std::string& user, const std::filesystem::path& certificate, const std::filesystem::path& key) const;

  // Runs kubectl as the administrator.
  [[nodiscard]] Outcome kubectl(std::vector<std::string> arguments, std::string in = {}) const;

  // Returns the object from `kubectl get …`; throws std::runtime_error if there is none.
  [[nodiscard]] nlohmann::json get(std::vector<std::string> arguments) const;

  // Kills the API server or its etcd, as a crash would. start_again() restarts what was killed, with the same port and
  // data.
  void kill() const;
  void kill_etcd() const;
  void start_again() const;

  // Their present processes, and whether the API server runs.
  [[nodiscard]] pid_t api_server() const;
  [[nodiscard]] pid_t etcd() const;
  [[nodiscard]] bool runs() const;

  // Makes etcd drop all versions except the present one.
  void compact() const;

  // With Options::audit: the finished requests so far, oldest first (audit.k8s.io/v1 Event), without the first `from`.
  [[nodiscard]] std::vector<nlohmann::json> audit(std::size_t from = 0) const;

 private:
  TempDir temp_;
};

}  // namespace regsync::test
