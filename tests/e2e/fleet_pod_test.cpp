// The image and the manifests for Kubernetes as pods on a real node: they sync a second cluster, and when the program
// of the pod that leads is killed, the pod that stands by takes over.
//
// The test is the controller of the Deployment, and of what else controllers make: no others run.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tests/e2e/main_job.hpp"
#include "tests/e2e/manifests.hpp"
#include "tests/support/node.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using nlohmann::literals::operator""_json_pointer;

constexpr const char* registry = "ghcr.io";

class FleetPod : public testing::Test {
 protected:
  void SetUp() override {
    if (!KubeServer::available()) {
      SKIP_OR_FAIL("no kube-apiserver");
    }
    if (const auto obstacle = Node::obstacle()) {
      SKIP_OR_FAIL(*obstacle);
    }
    node_.emplace(hub());
    node_->load(make_image());
    deploy();
  }

  void TearDown() override {
    if (HasFailure() && node_) {
      ADD_FAILURE() << node_->log();
    }
  }

  // Of $REGSYNC_PACKAGE, a Debian package, or else of the programs that the other tests run.
  [[nodiscard]] std::filesystem::path make_image() const {
    std::vector<std::string> argv{REGSYNC_SOURCE_DIR "/tests/tools/image", (job_.home() / "image.tar").string()};
    if (const char* package = std::getenv("REGSYNC_PACKAGE")) {
      argv.emplace_back(package);
    } else {
      const auto found = job_.run({"which", "regsyncd", "regsync", "docker-credential-regsync"});
      std::istringstream lines(found.out);
      for (std::string line; std::getline(lines, line);) {
        argv.push_back(line);
      }
    }
    const auto made = job_.run(argv);
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return argv[1];
  }

  static void apply(const std::string& objects) {
    const auto applied = hub().kubectl({"apply", "-f", "-"}, objects);
    ASSERT_EQ(applied.exit_code, 0) << applied.err;
  }

  static json in_regsync(const std::string& kind, const std::string& name) {
    return {{"apiVersion", "v1"}, {"kind", kind}, {"metadata", {{"name", name}, {"namespace", "regsync"}}}};
  }

  // What an administrator applies, and what controllers add.
  void deploy() {
    apply(rendered("ha"));
    // Its pods may not use the network of the node, which they do here for want of another.
    std::ignore = hub().kubectl(
        {"label", "--overwrite", "namespace", "regsync", "pod-security.kubernetes.io/enforce=privileged"});
    json authority = in_regsync("ConfigMap", "kube-root-ca.crt");
    authority["data"]["ca.crt"] = read_file(hub().dir() / "ca.crt");
    apply(authority.dump());
    apply(cluster_secret("regsync", "b", {{"sigs.k8s.io/multicluster-runtime-kubeconfig", "true"}}, kube("b"), "admin")
              .dump());
    const json team{{"apiVersion", "v1"},
                    {"kind", "Namespace"},
                    {"metadata", {{"name", team_}, {"labels", {{"regsync.dev/pull-secret", "regcred"}}}}}};
    ASSERT_EQ(kube("b").kubectl({"create", "-f", "-"}, team.dump()).exit_code, 0);
  }

  void log_in() {
    password_ = new_password();
    job_.canaries().add("jdoe", password_);
    json logins = in_regsync("Secret", "regsync-logins");
    logins["type"] = "kubernetes.io/dockerconfigjson";
    logins["stringData"][".dockerconfigjson"] = login_file(registry, password_);
    apply(logins.dump());
  }

  // Makes a pod of the Deployment's template, on a port of the node of its own.
  void make_pod(const std::string& name) {
    const json deployment = object_of("ha", "Deployment");
    json pod = in_regsync("Pod", name);
    pod["metadata"]["labels"] = deployment.at("/spec/template/metadata/labels"_json_pointer);
    json& spec = pod["spec"] = deployment.at("/spec/template/spec"_json_pointer);
    spec["nodeName"] = node_->name();
    spec["hostNetwork"] = true;
    spec["restartPolicy"] = "Never";  // as on a node that is lost: nobody starts it again
    json& container = spec["containers"][0];
    container["imagePullPolicy"] = "Never";
    container["readinessProbe"]["periodSeconds"] = 1;  // for the test's sake
    const int port = next_port_++;
    container["ports"][0]["containerPort"] = port;
    std::ranges::replace(container["args"], json("--listen=:9464"), json("--listen=:" + std::to_string(port)));
    container["env"].push_back({{"name", "KUBERNETES_SERVICE_HOST"}, {"value", "127.0.0.1"}});
    container["env"].push_back(
        {{"name", "KUBERNETES_SERVICE_PORT"}, {"value", hub().url().substr(hub().url().rfind(':') + 1)}});
    // As the admission of ServiceAccounts would.
    spec["automountServiceAccountToken"] = false;
    spec["volumes"].push_back(
        {{"name", "account"},
         {"projected",
          {{"sources",
            {{{"serviceAccountToken", {{"path", "token"}, {"expirationSeconds", 3600}}}},
             {{"configMap", {{"name", "kube-root-ca.crt"}, {"items", {{{"key", "ca.crt"}, {"path", "ca.crt"}}}}}}},
             {{"downwardAPI",
               {{"items", {{{"path", "namespace"}, {"fieldRef", {{"fieldPath", "metadata.namespace"}}}}}}}}}}}}}});
    container["volumeMounts"].push_back(
        {{"name", "account"}, {"mountPath", "/var/run/secrets/kubernetes.io/serviceaccount"}, {"readOnly", true}});
    apply(pod.dump());
  }

  static json pod(const std::string& name) { return hub().get({"pod", name, "--namespace", "regsync"}); }

  // Whether its probes passed: it serves /livez, and /readyz says that it leads or stands by.
  static bool ready(const std::string& name) {
    const json status = pod(name).value("status", json::object());
    for (const auto& condition : status.value("conditions", json::array())) {
      if (condition.at("type") == "Ready") {
        return condition.at("status") == "True";
      }
    }
    return false;
  }

  // What is to be known of a pod when a test fails.
  [[nodiscard]] std::string told(const std::string& name) const {
    return pod(name).value("status", json::object()).dump(2) + log_of(name);
  }
  [[nodiscard]] std::string log_of(const std::string& name) const { return node_->log_of("regsync", name); }

  // The replica that holds the lease.
  static std::string leader() {
    const auto holder = hub().kubectl(
        {"get", "lease", "regsync", "--namespace", "regsync", "--output=jsonpath={.spec.holderIdentity}"});
    return holder.out;
  }

  [[nodiscard]] bool current() const {
    return job_.content("b", team_, "regcred").find("\"" + password_ + "\"") != std::string::npos;
  }

  Job job_;
  std::optional<Node> node_;
  std::string team_ = "fleet-pod";
  std::string password_;
  int next_port_ = 20000 + ::getpid() % 10000;  // of the node: others of this machine are likely to have 9464
};

TEST_F(FleetPod, SyncsASecondClusterAndIsTakenOverWhenItIsKilledAndWhenItIsDeleted) {
  log_in();
  make_pod("one");
  ASSERT_TRUE(wait_until([&] { return ready("one"); }, 60s)) << told("one");
  EXPECT_TRUE(wait_until([&] { return current(); })) << told("one");
  make_pod("two");
  ASSERT_TRUE(wait_until([&] { return ready("two"); }, 60s)) << told("two");
  const std::string first = leader();

  node_->kill(pod("one").at("/status/containerStatuses/0/containerID"_json_pointer));
  const auto killed = std::chrono::steady_clock::now();
  log_in();
  EXPECT_TRUE(wait_until([&] { return current(); })) << told("two");
  EXPECT_LE(std::chrono::steady_clock::now() - killed, 17s) << "the lease's duration, and 2 s";
  const std::string second = leader();
  EXPECT_NE(second, first);
  EXPECT_TRUE(ready("two")) << told("two");

  make_pod("three");
  ASSERT_TRUE(wait_until([&] { return ready("three"); }, 60s)) << told("three");
  const std::string log = log_of("two");
  ASSERT_EQ(hub().kubectl({"delete", "pod", "two", "--namespace", "regsync", "--wait=false"}).exit_code, 0);
  const auto deleted = std::chrono::steady_clock::now();
  EXPECT_TRUE(wait_until([&] { return leader() != second && !leader().empty(); })) << told("three");
  EXPECT_LE(std::chrono::steady_clock::now() - deleted, 8s) << "it gives its lease back, so nobody waits for its end";
  log_in();
  EXPECT_TRUE(wait_until([&] { return current(); })) << told("three");
  for (const auto& text : {log, log_of("three")}) {
    EXPECT_FALSE(text.empty());
    EXPECT_FALSE(job_.canaries().are_in(text)) << "a login is in the log of a pod";
  }
}

}  // namespace
}  // namespace regsync::test
