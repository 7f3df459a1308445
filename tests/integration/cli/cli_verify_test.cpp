// regsync verify against Debian's docker-registry, as kubelet would pull: with basic authentication and with tokens.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "sync/base/base64.hpp"
#include "tests/integration/cli/cli_world.hpp"
#include "tests/support/registry.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// NOLINTNEXTLINE(misc-multiple-inheritance): as GoogleTest gives parameters
class CliVerify : public CliWorld, public testing::WithParamInterface<Registry::Login> {
 protected:
  CliVerify() : registry_("hunter2", GetParam()) {
    person_.store_login(registry_.address(), "jdoe", "hunter2");
    person_.home().write(".config/regsync/targets/web.yaml", "secret: myregcred\nregistries: ['" + registry_.address() +
                                                                 "']\ncontexts: [dev]\nnamespaces: [team-a]\n");
  }

  void SetUp() override { ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0); }

  struct Answer {
    int exit_code = 0;
    bool can_pull = false;
    std::string verdict;
    std::string detail;
  };

  // What verify says of the one Secret.
  [[nodiscard]] Answer verify(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"verify", "-o", "json"});
    const Outcome outcome = person_.regsync(arguments);
    const json rows = json::parse(outcome.out).at("items");
    EXPECT_EQ(rows.size(), 1U) << outcome.out << outcome.err;
    EXPECT_EQ(rows.at(0).at("namespace"), "team-a");
    return {outcome.exit_code, rows.at(0).at("canPull"), rows.at(0).at("verdict"), rows.at(0).at("detail")};
  }

  Registry registry_;
};

TEST_P(CliVerify, AnImageThatIsThereCanBePulled) {
  registry_.push("team/app:1");
  const std::string image = registry_.address() + "/team/app";
  const Answer answer = verify({"--image", image + ":1"});
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_TRUE(answer.can_pull);
  EXPECT_EQ(answer.verdict, "Pullable");
  EXPECT_EQ(answer.detail, "as jdoe");

  EXPECT_EQ(person_.regsync({"verify", "--image", image + ":1"}).out,
            "CONTEXT   NAMESPACE   SECRET      VERDICT    DETAIL\n"
            "dev       team-a      myregcred   Pullable   as jdoe\n");

  const Answer no_image = verify({"--image", image + ":2"});
  EXPECT_EQ(no_image.exit_code, 1);
  EXPECT_EQ(no_image.verdict, "NoSuchImage");
}

TEST_P(CliVerify, WithoutAnImageTheLoginIsTried) {
  const Answer answer = verify({"web"});
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_EQ(answer.verdict, "LoginAccepted");
  EXPECT_EQ(answer.detail, registry_.address() + " as jdoe");
}

TEST_P(CliVerify, ServiceAccountsNeedNotBeListed) {
  person_.home().write(".config/regsync/targets/web.yaml", "secret: myregcred\nregistries: ['" + registry_.address() +
                                                               "']\ncontexts: [dev]\nnamespaces: [team-a]\n" +
                                                               "serviceAccounts: [default]\n");
  dev_.deny("", "serviceaccounts");
  EXPECT_EQ(verify({"web"}).exit_code, 0);
}

TEST_P(CliVerify, APasswordThatIsOverIsDenied) {
  registry_.push("team/app:1");
  registry_.set_password("rotated");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"--image", registry_.address() + "/team/app:1"}}) {
    const Answer answer = verify(arguments);
    EXPECT_EQ(answer.exit_code, 1);
    EXPECT_EQ(answer.verdict, arguments.empty() ? "LoginDenied" : "Denied");
    EXPECT_THAT(answer.detail, HasSubstr("answered HTTP 401 to jdoe"));
  }
}

TEST_P(CliVerify, AnImageOfAnotherRegistryHasNoMatchingEntry) {
  const Answer answer = verify({"--image", "quay.io/acme/app:1"});
  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_EQ(answer.verdict, "NoMatchingEntry");
  EXPECT_EQ(answer.detail, "for quay.io");
}

TEST_P(CliVerify, ARegistryThatIsAwayIsUnreachable) {
  registry_.stop();
  const Answer answer = verify({"--image", registry_.address() + "/team/app:1"});
  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_EQ(answer.verdict, "RegistryUnreachable");
  EXPECT_THAT(answer.detail, HasSubstr(": connection refused"));
}

TEST_P(CliVerify, ASecretThatIsMissingOrSpoiledCannotPull) {
  dev_.put({"secrets", "team-a", "myregcred"}, {{"type", "kubernetes.io/dockerconfigjson"},
                                                {"data", {{".dockerconfigjson", "e30="}}},
                                                {"metadata", {{"name", "myregcred"}, {"namespace", "team-a"}}}});
  EXPECT_EQ(verify({}).verdict, "NoMatchingEntry");
  dev_.erase({"secrets", "team-a", "myregcred"});
  EXPECT_EQ(verify({}).verdict, "SecretMissing");
}

// As kubelet does, which looks at the type first.
TEST_P(CliVerify, TheTypeOfTheSecretSaysWhatKubeletReads) {
  const json login = {{registry_.address(), {{"auth", "amRvZTpodW50ZXIy"}}}};
  const auto put = [&](const std::string& type, const std::string& key, const json& content) {
    dev_.erase({"secrets", "team-a", "myregcred"});  // a type cannot be changed
    dev_.put({"secrets", "team-a", "myregcred"}, {{"type", type},
                                                  {"data", {{key, base64_encode(content.dump())}}},
                                                  {"metadata", {{"name", "myregcred"}, {"namespace", "team-a"}}}});
  };
  put("Opaque", ".dockerconfigjson", {{"auths", login}});
  const Answer ignored = verify({});
  EXPECT_EQ(ignored.exit_code, 1);
  EXPECT_FALSE(ignored.can_pull);
  EXPECT_EQ(ignored.verdict, "SecretWrongType");
  EXPECT_EQ(ignored.detail, "kubelet ignores a Secret of the type Opaque");

  put("kubernetes.io/dockercfg", ".dockercfg", login);
  const Answer old_format = verify({});
  EXPECT_EQ(old_format.exit_code, 0);
  EXPECT_EQ(old_format.verdict, "LoginAccepted");

  put("kubernetes.io/dockerconfigjson", ".dockerconfigjson", json::array());
  EXPECT_EQ(verify({}).verdict, "SecretMalformed");
}

using CliRegistryOfIpv6 = CliWorld;

TEST_F(CliRegistryOfIpv6, WorksFromItsLoginToItsLogout) {
  const Registry registry("hunter2", Registry::Login::basic, Registry::Address::ipv6);
  const std::string& address = registry.address();
  ASSERT_THAT(address, testing::StartsWith("[::1]:"));
  person_.canaries().add("jdoe", "hunter2");
  if (person_.run({"docker", "--version"}).exit_code != 0) {
    SKIP_OR_FAIL("no docker client");
  }
  const Outcome login = person_.run({"docker", "login", "-u", "jdoe", "--password-stdin", address}, "hunter2");
  ASSERT_EQ(login.exit_code, 0) << login.out << login.err;

  const Outcome added =
      person_.regsync({"add", "myregcred", "--registry", address, "--context", "dev", "--namespace", "team-a"});
  ASSERT_EQ(added.exit_code, 0) << added.out << added.err;
  const Outcome synced = person_.regsync({"sync", "--once"});
  ASSERT_EQ(synced.exit_code, 0) << synced.out << synced.err;

  EXPECT_THAT(person_.regsync({"verify"}).out, HasSubstr("LoginAccepted   " + address + " as jdoe"));
  // Only who is let in is told so. (skopeo, which would push one, takes no address of IPv6.)
  EXPECT_THAT(person_.regsync({"verify", "--image", address + "/team/app:1"}).out, HasSubstr("NoSuchImage"));
  EXPECT_EQ(json::parse(person_.run({"docker-credential-regsync", "get"}, "http://" + address + "/").out)["Username"],
            "jdoe");

  ASSERT_EQ(person_.run({"docker", "logout", address}).exit_code, 0);
  EXPECT_EQ(person_.run({"docker-credential-regsync", "list"}).out, "{}\n");
}

INSTANTIATE_TEST_SUITE_P(Registries, CliVerify, testing::Values(Registry::Login::basic, Registry::Login::token),
                         [](const auto& test) {
                           return test.param == Registry::Login::basic ? "BasicLogin" : "TokenLogin";
                         });

using CliSetupOfOneRegistry = CliWorld;

TEST_F(CliSetupOfOneRegistry, KeepsTheLoginOfADockerThatIsGivenTheSameSpelling) {
  const Registry registry("hunter2", Registry::Login::basic);
  const std::string typed = "LOCALHOST" + registry.address().substr(registry.address().rfind(':'));
  person_.canaries().add("jdoe", "hunter2");
  if (person_.run({"docker", "--version"}).exit_code != 0) {
    SKIP_OR_FAIL("no docker client");
  }
  person_.home().write(".docker/config.json", "{}");
  const Outcome set_up = person_.regsync({"setup", "--registry", typed});
  ASSERT_EQ(set_up.exit_code, 0) << set_up.out << set_up.err;
  const Outcome login = person_.run({"docker", "login", "-u", "jdoe", "--password-stdin", typed}, "hunter2");
  ASSERT_EQ(login.exit_code, 0) << login.out << login.err;
  const json config = json::parse(read_file(person_.home() / ".docker/config.json"));
  EXPECT_EQ(config.at("auths").at(typed), json::object());
  EXPECT_EQ(json::parse(person_.run({"docker-credential-regsync", "get"}, typed).out)["Username"], "jdoe");
}

}  // namespace
}  // namespace regsync::test
