// What is deployed on Kubernetes (systemd/kubernetes), on a real API server: taken as it is, by a namespace that is
// restricted, and with rights that are enough and no more.
#include "tests/e2e/manifests.hpp"

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/e2e/main_job.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using nlohmann::literals::operator""_json_pointer;
using testing::HasSubstr;

constexpr const char* account = "system:serviceaccount:regsync:regsync";

// What prometheus-operator brings.
json service_monitors() {
  const json schema{{"openAPIV3Schema", {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}}}};
  const json version{{"name", "v1"}, {"served", true}, {"storage", true}, {"schema", schema}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", "servicemonitors.monitoring.coreos.com"}}},
          {"spec",
           {{"group", "monitoring.coreos.com"},
            {"names", {{"kind", "ServiceMonitor"}, {"plural", "servicemonitors"}, {"singular", "servicemonitor"}}},
            {"scope", "Namespaced"},
            {"versions", json::array({version})}}}};
}

// The first version whose API server enforces Pod Security (KEP-2579).
constexpr int first_with_pod_security = 25;

class Manifests : public testing::Test {
 protected:
  void SetUp() override {
    if (!KubeServer::available()) {
      SKIP_OR_FAIL("no kube-apiserver");
    }
    std::ignore = hub().kubectl({"create", "namespace", "argocd"});
    std::ignore = hub().kubectl({"create", "-f", "-"}, service_monitors().dump());
    for (const char* file : {"namespace.yaml", "service-account.yaml"}) {
      const auto made = hub().kubectl(
          {"apply", "-n", "regsync", "-f", REGSYNC_SOURCE_DIR "/systemd/kubernetes/base/" + std::string(file)});
      ASSERT_EQ(made.exit_code, 0) << made.err;
    }
  }

  [[nodiscard]] static std::string can(const std::string& verb, const std::string& name_space) {
    return hub().kubectl({"auth", "can-i", verb, "secrets", "-n", name_space, std::string("--as=") + account}).out;
  }
};

TEST_F(Manifests, EveryOverlayIsTakenByTheApiServer) {
  for (const auto& entry : std::filesystem::directory_iterator(REGSYNC_SOURCE_DIR "/systemd/kubernetes")) {
    const std::string overlay = entry.path().filename().string();
    const auto outcome = hub().kubectl({"apply", "--dry-run=server", "-f", "-"}, rendered(overlay));
    EXPECT_EQ(outcome.exit_code, 0) << overlay << ": " << outcome.err;
    EXPECT_EQ(outcome.err, "") << overlay << ": a warning, of Pod Security for one";
  }
}

TEST_F(Manifests, ARestrictedNamespaceTakesThePod) {
  json pod{{"apiVersion", "v1"},
           {"kind", "Pod"},
           {"metadata", {{"name", "regsync"}, {"namespace", "regsync"}}},
           {"spec", object_of("base", "Deployment").at("/spec/template/spec"_json_pointer)}};
  pod["spec"]["automountServiceAccountToken"] = false;  // nobody makes tokens here
  const auto taken = hub().kubectl({"create", "--dry-run=server", "-f", "-"}, pod.dump());
  EXPECT_EQ(taken.exit_code, 0) << taken.err;
  json& container = pod["spec"]["containers"][0];
  EXPECT_EQ(container.at("/securityContext/capabilities/drop"_json_pointer), json::array({"ALL"}));
  EXPECT_EQ(container.at("/securityContext/readOnlyRootFilesystem"_json_pointer), true);
  EXPECT_EQ(pod.at("/spec/securityContext/runAsNonRoot"_json_pointer), true);
  if (hub_version() >= first_with_pod_security) {
    container["securityContext"]["allowPrivilegeEscalation"] = true;
    EXPECT_THAT(hub().kubectl({"create", "--dry-run=server", "-f", "-"}, pod.dump()).err, HasSubstr("restricted"));
  }
}

TEST_F(Manifests, ItsRightsAreEnoughAndNoMore) {
  const auto applied = hub().kubectl({"apply", "-f", "-"}, rendered("base"));
  ASSERT_EQ(applied.exit_code, 0) << applied.err;
  EXPECT_THAT(can("list", "regsync"), HasSubstr("yes"));
  EXPECT_THAT(can("create", "regsync"), HasSubstr("no"));
  EXPECT_THAT(can("list", "argocd"), HasSubstr("no"));

  Job job;
  const auto team = job.make_namespace("manifests-team");
  std::ignore = kube("a").kubectl({"label", "namespace", team, "regsync.dev/pull-secret=regcred"});
  const std::string password = new_password();
  const auto logins = job.home().write("logins/.dockerconfigjson", login_file("ghcr.io", password));
  job.home().write(".config/regsync/targets/regcred.yaml",
                   object_of("base", "ConfigMap").at("data").at("regcred.yaml").get<std::string>());
  json hub_config = json::parse(hub().kubeconfig_of("admin", "hub"));
  hub_config["users"][0]["user"]["as"] = account;
  hub_config["contexts"][0]["context"]["namespace"] = "regsync";  // as in a pod
  job.env["KUBECONFIG"] = job.home().write("hub", hub_config.dump()).string();
  job.env.erase("DBUS_SESSION_BUS_ADDRESS");
  const json container = object_of("base", "Deployment").at("/spec/template/spec/containers/0"_json_pointer);
  job.env["REGSYNC_OWNER"] = container.at("/env/0/value"_json_pointer).get<std::string>();
  std::vector<std::string> arguments;
  for (const auto& argument : container.at("args")) {
    auto text = argument.get<std::string>();
    if (text.starts_with("--logins=")) {
      text = "--logins=" + logins.parent_path().string();
    } else if (text.starts_with("--listen=")) {
      text = "--listen=127.0.0.1:0";
    }
    arguments.push_back(text);
  }
  job.start_daemon(arguments);

  const json secret =
      cluster_secret("regsync", "a", {{"sigs.k8s.io/multicluster-runtime-kubeconfig", "true"}}, kube("a"), "admin");
  const auto put = hub().kubectl({"apply", "-f", "-"}, secret.dump());
  ASSERT_EQ(put.exit_code, 0) << put.err;
  EXPECT_TRUE(wait_until([&] { return job.secret("a", team, "regcred").has_value(); })) << job.status();
  std::ignore = hub().kubectl({"delete", "secret", "a", "-n", "regsync"});
}

}  // namespace
}  // namespace regsync::test
