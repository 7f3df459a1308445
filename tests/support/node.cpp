#include "tests/support/node.hpp"

#include <csignal>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/support/unpacked.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

Program node_up(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), REGSYNC_SOURCE_DIR "/tests/servers/node-up");
  return {.argv = std::move(arguments), .env = own_environment(), .in = {}};
}

std::string end_of(const std::filesystem::path& file) {
  const std::string text = std::filesystem::exists(file) ? read_file(file) : "";
  return text.substr(text.size() - std::min<std::size_t>(text.size(), 4000));
}

}  // namespace

std::optional<std::string> Node::obstacle() {
  const Outcome outcome = run_program(node_up({"--check"}));
  return outcome.exit_code == 0 ? std::nullopt : std::optional(outcome.err);
}

Node::Node(const KubeServer& server) : dir_(temp_ / "node"), process_(node_up({dir_.string(), server.dir().string()})) {
  const bool ready = wait_until([&] { return std::filesystem::exists(dir_ / "ready") || !process_.running(); },
                                std::chrono::minutes(3));
  if (!ready || !process_.running()) {
    throw std::runtime_error(process_.err() + end_of(dir_ / "containerd.log") + log());
  }
  name_ = read_file(dir_ / "node");
}

Node::~Node() {
  process_.signal(SIGTERM);
  process_.wait(std::chrono::seconds(20));
}

void Node::ctr(std::vector<std::string> arguments) const {
  std::vector<std::string> argv{unpacked("containerd") / "usr/bin/ctr", "--address", dir_ / "containerd.sock",
                                "--namespace", "k8s.io"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const Outcome outcome =
      run_program({.argv = std::move(argv), .env = own_environment(), .in = {}}, std::chrono::minutes(1));
  if (outcome.exit_code != 0) {
    throw std::runtime_error(outcome.out + outcome.err);
  }
}

void Node::load(const std::filesystem::path& archive) const { ctr({"images", "import", archive.string()}); }

void Node::kill(const std::string& container) const {
  ctr({"tasks", "kill", "--signal", "SIGKILL", container.substr(container.rfind('/') + 1)});
}

std::string Node::log() const { return end_of(dir_ / "kubelet.log"); }

std::string Node::log_of(const std::string& name_space, const std::string& pod) const {
  std::string log;
  for (const auto& entry : std::filesystem::directory_iterator(dir_ / "log/pods")) {
    if (entry.path().filename().string().starts_with(name_space + "_" + pod + "_")) {
      for (const auto& file : std::filesystem::recursive_directory_iterator(entry)) {
        log += file.is_regular_file() ? read_file(file) : "";
      }
    }
  }
  return log;
}

}  // namespace regsync::test
