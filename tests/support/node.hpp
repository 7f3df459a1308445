// A node of a KubeServer's cluster (tests/servers/node-up): kubelet, containerd and runc, ended with this object.
//
// Needs root and cgroups. Boots in some seconds; share one per executable.
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
  // Why no node can run on this machine; nothing if it can. If not: SKIP_OR_FAIL.
  static std::optional<std::string> obstacle();

  // Returns when the node is registered. Throws std::runtime_error with the ends of the logs.
  explicit Node(const KubeServer& server);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  Node(Node&&) = delete;
  Node& operator=(Node&&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }               // for spec.nodeName
  [[nodiscard]] std::filesystem::path image() const { return dir_ / "image"; }  // a program that waits, as OCI layout
  [[nodiscard]] std::string log() const;                                        // the end of kubelet's

  // What the containers of a pod wrote so far, as lines of CRI's format; empty where there is none.
  [[nodiscard]] std::string log_of(const std::string& name_space, const std::string& pod) const;

  // Puts the images of an OCI archive on the node. Throws std::runtime_error.
  void load(const std::filesystem::path& archive) const;
  // SIGKILL for the program of a container: "containerd://ID", as a pod's status names it. Throws std::runtime_error.
  void kill(const std::string& container) const;

 private:
  void ctr(std::vector<std::string> arguments) const;

  TempDir temp_;
  std::filesystem::path dir_;
  std::string name_;
  Process process_;
};

}  // namespace regsync::test
