// Node is a node of a KubeServer's cluster (tests/servers/node-up): kubelet, containerd and runc; the destructor ends
// it.
//
// Needs root and cgroups. Boots in a few seconds; share one per executable.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/kube_server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {

class Node {
 public:
  // Why no node can run on this machine; nullopt if one can. Otherwise use SKIP_OR_FAIL.
  static std::optional<std::string> obstacle();

  // Returns when the node is registered. Throws std::runtime_error with the ends of the logs.
  explicit Node(const KubeServer& server);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  Node(Node&&) = delete;
  Node& operator=(Node&&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }               // for spec.nodeName
  [[nodiscard]] std::filesystem::path image() const { return dir_ / "image"; }  // an OCI layout: a program that waits
  [[nodiscard]] std::string log() const;                                        // the end of kubelet's log

  // The output of a pod's containers so far, in CRI log format; empty if there is none.
  [[nodiscard]] std::string log_of(const std::string& name_space, const std::string& pod) const;

  // Imports the images of an OCI archive into the node. Throws std::runtime_error.
  void load(const std::filesystem::path& archive) const;
  // Sends SIGKILL to the program of a container: "containerd://ID", as a pod's status names it. Throws
  // std::runtime_error.
  void kill(const std::string& container) const;

 private:
  void ctr(std::vector<std::string> arguments) const;

  TempDir temp_;
  std::filesystem::path dir_;
  std::string name_;
  Process process_;
};

}  // namespace regsync::test
