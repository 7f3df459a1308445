// What others do to our objects on a real API server: copies, somebody who keeps setting a ServiceAccount back, a
// policy that takes what was just written, an etcd that is restored from an older copy.
#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "sync/base/base64.hpp"
#include "tests/e2e/main_job.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

constexpr const char* registry = "registry.example.com";

class ClusterTrouble : public testing::Test {
 protected:
  void SetUp() override {
    if (!KubeServer::available()) {
      SKIP_OR_FAIL("no kube-apiserver");
    }
    job_.use_both_clusters();
    job_.store_login(registry, "jdoe", password_);
    job_.start_daemon();
  }

  void add(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"add", "myregcred", "--registry", registry, "--context", "a", "--wait"});
    const auto added = job_.regsync(arguments);
    ASSERT_EQ(added.exit_code, 0) << added.out << added.err;
  }

  void rotate(const std::string& team) {
    password_ = new_password();
    job_.store_login(registry, "jdoe", password_);
    EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); }));
  }

  // `kubectl get -o yaml`, another namespace, `kubectl apply`.
  static void copy(const std::string& kind, const std::string& name, const std::string& from, const std::string& to) {
    json object = kube("a").get({kind, name, "-n", from});
    for (const auto* field : {"uid", "resourceVersion", "creationTimestamp", "managedFields"}) {
      object["metadata"].erase(field);
    }
    object.erase("secrets");
    object["metadata"]["namespace"] = to;
    const auto applied = kube("a").kubectl({"apply", "--server-side", "--force-conflicts", "-f", "-"}, object.dump());
    ASSERT_EQ(applied.exit_code, 0) << applied.err;
  }

  std::string password_ = new_password();
  Job job_;
};

TEST_F(ClusterTrouble, CopiesOfASecretAndOfAServiceAccountAreNeitherDeletedNorTouched) {
  const auto team = job_.make_namespace("trouble-team");
  const auto elsewhere = job_.make_namespace("trouble-copies");
  for (const auto& name_space : {team, elsewhere}) {
    ASSERT_EQ(kube("a").kubectl({"create", "serviceaccount", "builder", "-n", name_space}).exit_code, 0);
  }
  add({"-n", team, "-n", "trouble-wide-*", "--service-account", "builder"});
  copy("secret", "myregcred", team, elsewhere);
  copy("serviceaccount", "builder", team, elsewhere);
  const auto secret = kube("a").get({"secret", "myregcred", "-n", elsewhere});
  const auto account = kube("a").get({"serviceaccount", "builder", "-n", elsewhere});
  rotate(team);
  EXPECT_EQ(job_.regsync({"sync"}).exit_code, 0);
  EXPECT_EQ(kube("a").get({"secret", "myregcred", "-n", elsewhere}), secret);
  const auto removed = job_.regsync({"remove", "myregcred"});
  EXPECT_EQ(removed.exit_code, 0) << removed.out << removed.err;
  EXPECT_FALSE(job_.secret("a", team));
  EXPECT_EQ(kube("a").get({"secret", "myregcred", "-n", elsewhere}), secret);
  EXPECT_EQ(kube("a").get({"serviceaccount", "builder", "-n", elsewhere}), account);
}

TEST_F(ClusterTrouble, ASecretOfBeforeThePlaceGetsItInPlace) {
  const auto team = job_.make_namespace("trouble-old");
  add({"-n", team});
  const auto uid = job_.secret("a", team).value().at("metadata").at("uid");
  const auto stripped = kube("a").kubectl({"annotate", "secret", "myregcred", "-n", team, "regsync.dev/place-"});
  ASSERT_EQ(stripped.exit_code, 0) << stripped.err;
  EXPECT_TRUE(wait_until([&] {
    const auto metadata = job_.secret("a", team).value().at("metadata");
    return metadata.at("annotations").value("regsync.dev/place", "") == team + "/myregcred";
  }));
  EXPECT_EQ(job_.secret("a", team).value().at("metadata").at("uid"), uid);
}

TEST_F(ClusterTrouble, WhoSetsAServiceAccountBackMeetsAGrowingPauseAndIsReported) {
  const auto team = job_.make_namespace("trouble-fight");
  ASSERT_EQ(kube("a").kubectl({"create", "serviceaccount", "builder", "-n", team}).exit_code, 0);
  add({"-n", team, "--service-account", "builder"});
  int fought = 0;
  const auto end = std::chrono::steady_clock::now() + 15s;
  while (std::chrono::steady_clock::now() < end) {
    const auto account = kube("a").get({"serviceaccount", "builder", "-n", team});
    if (account.value("imagePullSecrets", json::array()).empty()) {
      std::this_thread::sleep_for(20ms);
      continue;
    }
    ++fought;
    const auto patched = kube("a").kubectl(
        {"patch", "serviceaccount", "builder", "-n", team, "--type", "merge", "-p", R"({"imagePullSecrets":null})"});
    ASSERT_EQ(patched.exit_code, 0) << patched.err;
  }
  EXPECT_GE(fought, 4);
  EXPECT_LE(fought, 12);
  EXPECT_EQ(job_.causes()["a/" + team], "field_conflict");
  const auto synced = job_.regsync({"status"});
  EXPECT_EQ(synced.exit_code, 1);
  EXPECT_THAT(synced.out, HasSubstr("builder is changed again and again"));
}

// In namespaces with the label `strips`, for as long as this lives.
class StrippingWebhook {
 public:
  explicit StrippingWebhook(const Job& job)
      : process_(job.program({SERVERS "/admission-webhook", folder_.path().string()})) {
    if (!wait_until([&] { return std::filesystem::exists(folder_ / "webhook.addr"); })) {
      throw std::runtime_error(process_.err());
    }
    const json configuration{{"apiVersion", "admissionregistration.k8s.io/v1"},
                             {"kind", "MutatingWebhookConfiguration"},
                             {"metadata", {{"name", "strips"}}},
                             {"webhooks",
                              {{{"name", "strips.example.com"},
                                {"clientConfig",
                                 {{"url", "https://" + read_file(folder_ / "webhook.addr")},
                                  {"caBundle", base64_encode(read_file(folder_ / "webhook.crt"))}}},
                                {"rules",
                                 {{{"apiGroups", {""}},
                                   {"apiVersions", {"v1"}},
                                   {"operations", {"CREATE", "UPDATE"}},
                                   {"resources", {"serviceaccounts"}}}}},
                                {"namespaceSelector", {{"matchLabels", {{"strips", "yes"}}}}},
                                {"admissionReviewVersions", {"v1"}},
                                {"sideEffects", "None"}}}}};
    const auto made = kube("a").kubectl({"create", "-f", "-"}, configuration.dump());
    if (made.exit_code != 0) {
      throw std::runtime_error(made.err);
    }
  }
  ~StrippingWebhook() {
    EXPECT_EQ(kube("a").kubectl({"delete", "mutatingwebhookconfiguration", "strips"}).exit_code, 0);
  }
  StrippingWebhook(const StrippingWebhook&) = delete;
  StrippingWebhook& operator=(const StrippingWebhook&) = delete;
  StrippingWebhook(StrippingWebhook&&) = delete;
  StrippingWebhook& operator=(StrippingWebhook&&) = delete;

 private:
  TempDir folder_;
  Process process_;
};

TEST_F(ClusterTrouble, APolicyThatTakesOurEntryFromAServiceAccountIsNeverInSync) {
  const auto team = job_.make_namespace("trouble-policy");
  ASSERT_EQ(kube("a").kubectl({"label", "namespace", team, "strips=yes"}).exit_code, 0);
  ASSERT_EQ(kube("a").kubectl({"create", "serviceaccount", "builder", "-n", team}).exit_code, 0);
  const auto attached = [&](const std::string& account) {
    return kube("a").get({"serviceaccount", account, "-n", team}).contains("imagePullSecrets");
  };
  {
    const StrippingWebhook webhook(job_);
    ASSERT_TRUE(wait_until([&] {  // the API server has read it
      const json probe{{"apiVersion", "v1"},
                       {"kind", "ServiceAccount"},
                       {"metadata", {{"name", "probe"}, {"namespace", team}}},
                       {"imagePullSecrets", {{{"name", "x"}}}}};
      return kube("a").kubectl({"delete", "serviceaccount", "probe", "-n", team, "--ignore-not-found"}).exit_code ==
                 0 &&
             kube("a").kubectl({"create", "-f", "-"}, probe.dump()).exit_code == 0 && !attached("probe");
    }));
    const auto added = job_.regsync({"add", "myregcred", "--registry", registry, "--context", "a", "-n", team,
                                     "--service-account", "builder", "--wait"});
    EXPECT_EQ(added.exit_code, 1) << added.out << added.err;
    EXPECT_THAT(added.out + added.err, HasSubstr("policy"));
    for (const auto* command : {"sync", "status", "diff"}) {
      const auto asked = job_.regsync({command});
      EXPECT_EQ(asked.exit_code, 1) << command << ": " << asked.out << asked.err;
    }
    EXPECT_FALSE(attached("builder"));
  }
  EXPECT_TRUE(wait_until([&] { return job_.regsync({"sync"}).exit_code == 0; }));
  EXPECT_TRUE(attached("builder"));
}

// The API server comes back at the same address, with the objects and revisions of before the last login.
TEST_F(ClusterTrouble, AnEtcdThatIsRestoredFromAnOlderCopyIsSeenBySync) {
  namespace fs = std::filesystem;
  KubeServer server(KubeServer::Options{.contexts = "restored"});
  const auto data = fs::canonical(server.dir() / "etcd.data");
  const auto copy = job_.home() / "etcd-copy";
  const auto stop = [&] {
    server.kill();
    server.kill_etcd();
  };
  const auto holds = [&](const std::string& password) {
    const auto found = server.kubectl({"get", "secret", "myregcred", "-n", "team", "--output=json"});
    return found.exit_code == 0 && pull_secret_content(json::parse(found.out)).find(password) != std::string::npos;
  };
  EXPECT_EQ(job_.stop_daemon(SIGTERM), 0);
  job_.env["KUBECONFIG"] = server.kubeconfig();
  job_.start_daemon();
  ASSERT_EQ(server.kubectl({"create", "namespace", "team"}).exit_code, 0);
  const auto added = job_.regsync({"add", "myregcred", "--registry", registry, "-n", "team", "--wait"});
  ASSERT_EQ(added.exit_code, 0) << added.out << added.err;
  stop();
  fs::copy(data, copy, fs::copy_options::recursive);
  server.start_again();
  password_ = new_password();
  job_.store_login(registry, "jdoe", password_);
  ASSERT_TRUE(wait_until([&] { return holds(password_); }, 60s));
  stop();
  fs::remove_all(data);
  fs::copy(copy, data, fs::copy_options::recursive);
  server.start_again();
  const auto synced = job_.regsync({"sync"});
  EXPECT_EQ(synced.exit_code, 0) << synced.out << synced.err;
  EXPECT_TRUE(holds(password_)) << "in sync, says " << synced.out;
}

}  // namespace
}  // namespace regsync::test
