// A kubeconfig, loaded, merged, validated and resolved as client-go does it (tools/clientcmd).
//
// Each step has its own source file: decoding one file (kubeconfig_decode), merging several (here), validating the
// entries of a context (kubeconfig_validation), resolving one context into everything that a client needs
// (resolved_context). Reading files is the only I/O. A fault of one context is an Error of that context alone; a file
// that cannot be decoded is an Error of the whole load, so that the caller keeps the last good one. Any thread; value
// types.
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
  // The files of the configuration: an explicit path (which must exist), or else $KUBECONFIG, or else
  // $HOME/.kube/config. Skips empty and missing entries of $KUBECONFIG.
  static std::vector<std::filesystem::path> search_path(const std::optional<std::filesystem::path>& explicit_path);

  // Reads and merges the files. Throws Error(kubeconfig) if one cannot be read or decoded.
  static Kubeconfig load(const std::optional<std::filesystem::path>& explicit_path = std::nullopt);

  // Parses the text of one kubeconfig. `source` names it in messages. Throws Error(kubeconfig) or Error(invalid_input)
  // if it cannot be decoded or holds more than most_values values.
  static Kubeconfig parse(const std::string& text, std::string source, std::size_t most_values = values_of_a_file);

  // Makes a kubeconfig of clusters that do not come from a file, keyed by context name. `source` names their origin.
  static Kubeconfig of(std::map<std::string, std::shared_ptr<const KnownCluster>> clusters, std::string source);

  // Returns load(), or in_cluster() if there is no explicit path, no context, and this process runs in a pod.
  static Kubeconfig load_or_in_cluster(const std::optional<std::filesystem::path>& explicit_path);

  // The client configuration of a pod (service account token and ca.crt), as one context named "in-cluster". Nullopt if
  // this process does not run in a pod.
  static std::optional<Kubeconfig> in_cluster(
      const std::filesystem::path& service_account = "/var/run/secrets/kubernetes.io/serviceaccount");

  Kubeconfig();
  Kubeconfig(Kubeconfig&&) noexcept;
  Kubeconfig& operator=(Kubeconfig&&) noexcept;
  Kubeconfig(const Kubeconfig&) = delete;
  Kubeconfig& operator=(const Kubeconfig&) = delete;
  ~Kubeconfig();

  [[nodiscard]] const std::string& current_context() const;        // "" if there is none
  [[nodiscard]] const std::vector<std::string>& contexts() const;  // sorted

  // The labels of a context: those of the Secret that describes its cluster; none for a context from a file.
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& labels(const std::string& context) const;

  // The address of a context's cluster, spelled as in the result of resolve(), even if that throws; as written if it is
  // not a usable URL. Empty if there is none.
  [[nodiscard]] std::string server(const std::string& context) const;

  // Whether it was read from files. Those may be read half-written, so that all contexts seem to be gone.
  [[nodiscard]] bool is_of_files() const { return is_of_files_; }

  // Whether it is in_cluster().
  [[nodiscard]] bool is_of_pod() const { return is_of_pod_; }

  // Where it was read from, for messages: "KUBECONFIG=/a:/b (/b does not exist)", "/home/u/.kube/config".
  [[nodiscard]] const std::string& source() const { return source_; }

  // The contexts of a hub whose credentials differ from those in `before`, if nothing else differs; otherwise nullopt.
  // Also nullopt for files, whose contexts are compared when they are resolved.
  [[nodiscard]] std::optional<std::vector<std::string>> renewed_since(const Kubeconfig& before) const;
  // The contexts of a hub in `before` that are gone or differ in any way. Nullopt for files.
  [[nodiscard]] std::optional<std::vector<std::string>> changed_since(const Kubeconfig& before) const;

  // The age of its newest file when it was read, by the wall clock: a file that is being written is young. The maximum
  // if it does not come from files.
  [[nodiscard]] std::chrono::nanoseconds age() const { return age_; }

  // Sets how contexts resolved from now on run exec plugins. A daemon keeps the default.
  void set_exec_manners(const ExecManners& manners) { manners_ = manners; }

  // Throws Error(kubeconfig) in the same cases as client-go: unknown context, cluster or user, contradictory fields,
  // unreadable certificate, removed auth-provider.
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
