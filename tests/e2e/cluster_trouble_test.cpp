// What others do to our objects on a real API server: copies, and somebody who keeps setting a ServiceAccount back.
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

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

}  // namespace
}  // namespace regsync::test
