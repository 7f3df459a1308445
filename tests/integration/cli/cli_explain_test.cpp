// regsync explain: pods in memory, with the waiting states that a kubelet gives them, against Debian's docker-registry.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "sync/base/base64.hpp"
#include "tests/integration/cli/cli_world.hpp"
#include "tests/support/registry.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CliExplain : public CliWorld {
 protected:
  CliExplain() : registry_("hunter2") { registry_.push("team/app:1"); }

  [[nodiscard]] std::string image(const std::string& tag = "1") const {
    return registry_.address() + "/team/app:" + tag;
  }

  void make_pod(const std::string& name, const json& pull_secrets, const std::string& image,
                const std::string& name_space = "team-a") {
    dev_.put({"pods", name_space, name},
             {{"metadata", {{"name", name}, {"namespace", name_space}, {"labels", {{"app", name}}}}},
              {"spec",
               {{"imagePullSecrets", pull_secrets},
                {"serviceAccountName", "default"},
                {"containers", {{{"name", "main"}, {"image", image}}}}}},
              {"status",
               {{"containerStatuses",
                 {{{"name", "main"},
                   {"state", {{"waiting", {{"reason", "ImagePullBackOff"}, {"message", "Back-off"}}}}}}}}}}});
  }

  void make_secret(const std::string& name, const std::string& key, const std::string& password = "hunter2") {
    const json content{{"auths", {{key, {{"auth", base64_encode("jdoe:" + password)}}}}}};
    dev_.put({"secrets", "team-a", name}, {{"metadata", {{"name", name}, {"namespace", "team-a"}}},
                                           {"type", "kubernetes.io/dockerconfigjson"},
                                           {"data", {{".dockerconfigjson", base64_encode(content.dump())}}}});
  }

  // The causes, by pod.
  [[nodiscard]] std::map<std::string, std::string> causes(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"explain", "-o", "json"});
    const Outcome outcome = person_.regsync(arguments);
    std::map<std::string, std::string> causes;
    const json rows = json::parse(outcome.out).at("items");
    for (const json& row : rows) {
      causes[row.at("namespace").get<std::string>() + "/" + row.at("pod").get<std::string>()] = row.at("cause");
    }
    EXPECT_EQ(outcome.exit_code, causes.empty() ? 0 : 1) << outcome.err;
    EXPECT_EQ((outcome.out + outcome.err).find("hunter2"), std::string::npos);
    return causes;
  }

  Registry registry_;
};

json named(const std::string& name) { return {{{"name", name}}}; }

TEST_F(CliExplain, NamesTheCauseOfEveryPod) {
  using Causes = std::map<std::string, std::string>;
  dev_.put({"serviceaccounts", "team-a", "default"}, {{"metadata", {{"name", "default"}, {"namespace", "team-a"}}}});
  make_secret("good", registry_.address());
  make_secret("bad", registry_.address(), "wrong-one");
  make_secret("other", "ghcr.io");
  make_pod("none", json::array(), image());
  make_pod("missing", named("nowhere"), image());
  make_pod("denied", named("bad"), image());
  make_pod("entry", named("other"), image());
  make_pod("tag", named("good"), image("2"));
  make_pod("fine", named("good"), image());
  make_pod("odd", named("good"), "Not/An Image");
  make_pod("away", named("good"), "127.0.0.1:1/app");
  EXPECT_EQ(causes({"-n", "team-a", "--context", "dev"}), (Causes{{"team-a/none", "NoPullSecret"},
                                                                  {"team-a/missing", "SecretMissing"},
                                                                  {"team-a/denied", "LoginDenied"},
                                                                  {"team-a/entry", "NoMatchingEntry"},
                                                                  {"team-a/tag", "NoSuchImage"},
                                                                  {"team-a/fine", "Pullable"},
                                                                  {"team-a/odd", "InvalidImage"},
                                                                  {"team-a/away", "NoMatchingEntry"}}));

  dev_.put({"serviceaccounts", "team-a", "default"},
           {{"metadata", {{"name", "default"}, {"namespace", "team-a"}}}, {"imagePullSecrets", named("good")}});
  EXPECT_EQ(causes({"none", "-n", "team-a"}), (Causes{{"team-a/none", "OlderThanServiceAccount"}}));
  EXPECT_EQ(causes({"pod/none", "-n", "team-*", "-l", "app=none"}).size(), 1U);
  EXPECT_TRUE(causes({"-n", "team-a", "-l", "app=nothing"}).empty());
}

TEST_F(CliExplain, LooksWhereTheTargetsHaveSecrets) {
  declare_web();  // dev/team-a and dev/team-b
  dev_.make_namespace("team-c");
  for (const char* name_space : {"team-a", "team-b", "team-c"}) {
    make_pod("app", named("nowhere"), image(), name_space);
  }
  EXPECT_EQ(causes({}).size(), 2U);
  EXPECT_EQ(causes({"-A"}).size(), 3U);
  EXPECT_EQ(causes({"-n", "team-c"}).size(), 1U);
  EXPECT_TRUE(causes({"--context", "prod", "-A"}).empty());
}

TEST_F(CliExplain, LooksWhereATargetWithoutNamespacesWentFirst) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_target("own", "contexts: [dev]\n");
  be_in("team-a");
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  be_in("team-b");
  make_pod("app", named("nowhere"), image());
  EXPECT_EQ(causes({}), (std::map<std::string, std::string>{{"team-a/app", "SecretMissing"}}));
}

TEST_F(CliExplain, ATargetFileThatCannotBeUsedIsNotLookedAtAndThatIsSaid) {
  declare_web();
  declare_target("torn", "contexts: [prod\n");
  const auto expect_told = [this] {
    const Outcome outcome = person_.regsync({"explain"});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("torn.yaml"));
    EXPECT_THAT(outcome.err, testing::Not(HasSubstr("No pod fails")));
  };
  expect_told();
  const Outcome elsewhere = person_.regsync({"explain", "--context", "dev", "-n", "team-a"});
  EXPECT_EQ(elsewhere.exit_code, 0) << "the targets do not say where to look";
  EXPECT_THAT(elsewhere.err, HasSubstr("torn.yaml"));
  dev_.forget_requests();
  std::filesystem::remove(person_.home() / ".config/regsync/targets/web.yaml");
  expect_told();
  EXPECT_EQ(dev_.count("list", "pods"), 0U) << "the current context is for those who have no targets";
}

// A hundred pods with one wrong password are one failed login at the registry.
TEST_F(CliExplain, TellsWhatToDoOnceForAllPods) {
  make_secret("regcred", "127.0.0.1");
  make_pod("app-1", named("regcred"), image());
  make_pod("app-2", named("regcred"), image());
  const Outcome outcome = person_.regsync({"explain", "-n", "team-a"});
  EXPECT_EQ(outcome.exit_code, 1);
  const std::string address = registry_.address();
  EXPECT_EQ(outcome.out,
            "CONTEXT   NAMESPACE   POD     CONTAINER   CAUSE\n"
            "dev       team-a      app-1   main        NoMatchingEntry\n"
            "dev       team-a      app-2   main        NoMatchingEntry\n"
            "\n"
            "team-a/app-1: no entry of the pod's Secrets is for " +
                address +
                "/team/app; the entry 127.0.0.1 of Secret regcred names no port\n"
                "  the node says: Back-off\n"
                "  -> regsync add regcred --registry " +
                address + " --context dev -n team-a --adopt --wait\n")
      << outcome.err;
}

// A person's rights may not include the list, and no answer needs it.
TEST_F(CliExplain, NamespacesAreListedOnlyToTellATypo) {
  dev_.forget_requests();
  make_pod("app", named("nowhere"), image());
  EXPECT_EQ(causes({"--context", "dev", "-n", "team-a"}).size(), 1U);
  EXPECT_EQ(dev_.count("list", "namespaces"), 0U);
  const Outcome outcome = person_.regsync({"explain", "--context", "dev", "-n", "tema-a"});
  EXPECT_THAT(outcome.err, HasSubstr("did you mean \"team-a\"?"));
  EXPECT_EQ(dev_.count("list", "namespaces"), 1U);
}

TEST_F(CliExplain, TheEventsHoldWhatTheRegistrySaid) {
  make_pod("app", json::array(), image());
  const std::string uid = dev_.find({"pods", "team-a", "app"})->at("metadata").at("uid");
  const auto event = [&](const std::string& name, const std::string& message) {
    dev_.put({"events", "team-a", name}, {{"metadata", {{"name", name}, {"namespace", "team-a"}}},
                                          {"reason", "Failed"},
                                          {"message", message},
                                          {"involvedObject", {{"uid", uid}, {"fieldPath", "spec.containers{main}"}}}});
  };
  event("one", "Failed to pull image: 401 Unauthorized");
  event("two", "Error: ErrImagePull");
  EXPECT_THAT(person_.regsync({"explain", "app", "-n", "team-a"}).out,
              HasSubstr("the node says: Failed to pull image: 401 Unauthorized\n"));
}

TEST_F(CliExplain, SaysWhatItMayNotReadAndWhatItDoesNotFind) {
  make_secret("good", registry_.address());
  make_pod("app", named("good"), image());
  dev_.deny("get", "secrets", "team-a");
  EXPECT_EQ(causes({"-n", "team-a"}).at("team-a/app"), "SecretUnreadable");
  dev_.deny("list", "pods", "team-a");
  const Outcome forbidden = person_.regsync({"explain", "-n", "team-a"});
  EXPECT_EQ(forbidden.exit_code, 1);
  EXPECT_THAT(forbidden.err, HasSubstr("pods"));
  dev_.allow_all();
  const Outcome unknown = person_.regsync({"explain", "nothing", "-n", "team-a"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("no pod nothing"));
  EXPECT_EQ(person_.regsync({"explain", "-n", "team-b"}).exit_code, 0);
  EXPECT_EQ(person_.regsync({"explain", "-n", "team-b", "-A"}).exit_code, 2);
}

}  // namespace
}  // namespace regsync::test
