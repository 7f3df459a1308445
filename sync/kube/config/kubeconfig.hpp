// A kubeconfig, loaded, merged, validated and resolved as client-go does it (tools/clientcmd).
//
// Each step is a file: decoding one file (kubeconfig_decode), merging several (here), validating what a context names
// (kubeconfig_validation), resolving one context into all that a client needs (resolved_context). Reading files is the
// only I/O. A fault of one context is an Error of that context alone; a file that cannot be decoded is an Error of the
// whole load, so that the caller keeps the last good one. Any thread; value types.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/kube/config/cluster_secret.hpp"
#include "sync/kube/config/resolved_context.hpp"
#include "sync/kube/config/yaml_json.hpp"

namespace regsync::kube {

struct KubeconfigEntries;

class Kubeconfig {
 public:
  // Where the configuration comes from: an explicit path (which must exist), else $KUBECONFIG, else
  // $HOME/.kube/config. Empty and missing entries of $KUBECONFIG are skipped.
  static std::vector<std::filesystem::path> search_path(const std::optional<std::filesystem::path>& explicit_path);

  // Reads and merges the files. Throws Error(kubeconfig) when one cannot be read or decoded.
  static Kubeconfig load(const std::optional<std::filesystem::path>& explicit_path = std::nullopt);

  // One kubeconfig's text. `source` names it in messages. Throws Error(kubeconfig) or Error(invalid_input) when it
  // cannot be decoded, or holds more values than that.
  static Kubeconfig parse(const std::string& text, std::string source, std::size_t most_values = values_of_a_file);

  // Clusters that are known from elsewhere than a file, by the names of their contexts. `source` names that place.
  static Kubeconfig of(std::map<std::string, std::shared_ptr<const KnownCluster>> clusters, std::string source);

  // What load() answers; without an explicit path and without any context, in_cluster() where this process runs in a
  // pod.
  static Kubeconfig load_or_in_cluster(const std::optional<std::filesystem::path>& explicit_path);

  // The client configuration of a pod (service account token and ca.crt), as one context named "in-cluster".
  // Empty where this process does not run in a pod.
  static std::optional<Kubeconfig> in_cluster(
      const std::filesystem::path& service_account = "/var/run/secrets/kubernetes.io/serviceaccount");

  Kubeconfig();
  Kubeconfig(Kubeconfig&&) noexcept;
  Kubeconfig& operator=(Kubeconfig&&) noexcept;
  Kubeconfig(const Kubeconfig&) = delete;
  Kubeconfig& operator=(const Kubeconfig&) = delete;
  ~Kubeconfig();

  [[nodiscard]] const std::string& current_context() const;        // "" where there is none
  [[nodiscard]] const std::vector<std::string>& contexts() const;  // sorted

  // The labels of a context: of the Secret that describes its cluster; a file gives none.
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& labels(const std::string& context) const;

  // The address of a context's cluster, spelled as in what resolve() answers, also where that throws; as it is written
  // where it is no usable URL. Empty where there is none.
  [[nodiscard]] std::string server(const std::string& context) const;

  // Whether it was read from files, which may be torn: then all contexts may seem to be gone.
  [[nodiscard]] bool is_of_files() const { return is_of_files_; }

  // Whether it is in_cluster().
  [[nodiscard]] bool is_of_pod() const { return is_of_pod_; }

  // Where it was read from, for messages: "KUBECONFIG=/a:/b (/b does not exist)", "/home/u/.kube/config".
  [[nodiscard]] const std::string& source() const { return source_; }

  // The contexts of a hub whose users' credentials are other ones than in `before`, where nothing else differs; nullopt
  // where anything does. Of files, which are compared when they are resolved, it is not known.
  [[nodiscard]] std::optional<std::vector<std::string>> renewed_since(const Kubeconfig& before) const;
  // The contexts of a hub in `before` that are gone, or of which anything is told anew. Of files it is not known.
  [[nodiscard]] std::optional<std::vector<std::string>> changed_since(const Kubeconfig& before) const;

  // How long before it was read the newest of its files was written, by the wall clock: a file that is being written
  // is young. The longest time there is where it comes from no file.
  [[nodiscard]] std::chrono::nanoseconds age() const { return age_; }

  // How the contexts that are resolved from now on run exec plugins. A daemon keeps the default.
  void set_exec_manners(const ExecManners& manners) { manners_ = manners; }

  // Throws Error(kubeconfig) with client-go's meaning: unknown context, cluster or user, contradicting fields,
  // unreadable certificate, auth-provider that is gone.
  [[nodiscard]] ResolvedContext resolve(std::string_view context) const;

 private:
  std::unique_ptr<KubeconfigEntries> entries_;
  std::map<std::string, std::shared_ptr<const KnownCluster>> clusters_;
  bool is_of_files_ = true;
  bool is_of_pod_ = false;
  std::vector<std::string> names_;
  std::string source_;
  std::chrono::nanoseconds age_ = std::chrono::nanoseconds::max();
  ExecManners manners_;
};

}  // namespace regsync::kube
