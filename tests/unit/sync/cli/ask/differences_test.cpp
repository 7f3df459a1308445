// What a sync would change, as people are told it: every kind of change, what is in the way, and no secret value.
#include "sync/cli/ask/differences.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/model/secret_object.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const test::FakeKube::Key cred{"secrets", "team", "cred"};

class DifferencesTest : public testing::Test {
 protected:
  static constexpr const char* password = "hunter2";

  DifferencesTest() {
    kube_.make_namespace("team");
    kube_.make_namespace("other");
  }

  static std::shared_ptr<const Plan> plan_of(const Target& target, const std::string& with = password) {
    KnownLogins logins;
    logins.asked = {RegistryKey("ghcr.io")};
    logins.credentials[RegistryKey("ghcr.io")] =
        std::make_shared<const Credential>(Credential{{"ghcr.io", "jdoe"}, SecretString(with)});
    return std::make_shared<const Plan>(make_plan(target, logins));
  }
  static Target attaching(std::vector<std::string> accounts) {
    Target target = test::make_target();
    target.service_accounts = std::move(accounts);
    return target;
  }

  // As a sync has left it.
  static json ours(const Target& target = test::make_target(), const std::string& with = password,
                   const std::string& name_space = "team") {
    return {{"type", pull_secret_type},
            {"metadata",
             {{"labels", {{managed_by_label, managed_by_value}}},
              {"annotations",
               {{target_annotation, target.name},
                {owner_annotation, test::owner_of_test().annotation},
                {place_annotation, place_of(name_space, target.secret)}}}}},
            {"data", {{".dockerconfigjson", plan_of(target, with)->payload->base64()}}}};
  }
  static json account(const json& annotations = json::object(), const json& pull_secrets = json::array()) {
    return {{"metadata", {{"annotations", annotations}}}, {"imagePullSecrets", pull_secrets}};
  }

  // Never changes anything, and never shows a password, in whatever form.
  const Differences& find(const std::vector<std::shared_ptr<const Plan>>& plans, CompareWith with = {}) {
    found_ = {};
    const auto before = kube_.cluster.version();
    test::run(loop_, find_differences(client_, plans, test::owner_of_test(), *remembered_, found_, std::move(with)));
    EXPECT_EQ(kube_.cluster.version(), before);
    const std::string text = shown();
    for (const std::string& secret : secrets_) {
      EXPECT_THAT(text, Not(HasSubstr(secret)));
      EXPECT_THAT(text, Not(HasSubstr(base64_encode(secret))));
      EXPECT_THAT(text, Not(HasSubstr(base64_encode("jdoe:" + secret))));
    }
    return found_;
  }
  [[nodiscard]] std::string shown() const {
    std::string text;
    for (const auto& change : found_.changes) {
      text += change.name_space + "/" + change.name + ": " + change.before.dump() + " -> " + change.after.dump() + "\n";
    }
    for (const auto& [place, error] : found_.obstacles) {
      text += place + ": " + error.message() + " " + error.remedy() + "\n";
    }
    return text;
  }
  // Each change as "what kind NAMESPACE/NAME".
  [[nodiscard]] std::vector<std::string> told() const {
    std::vector<std::string> all;
    for (const auto& change : found_.changes) {
      const char* what = change.before.is_null() ? "create" : change.after.is_null() ? "delete" : "change";
      const char* kind = change.kind == DifferenceKind::secret ? " secret " : " account ";
      all.push_back(what + (kind + change.name_space) + "/" + change.name);
      EXPECT_EQ(change.context, "c");
    }
    return all;
  }
  [[nodiscard]] std::vector<ErrorCode> obstacles() const {
    std::vector<ErrorCode> codes;
    for (const auto& obstacle : found_.obstacles) {
      codes.push_back(obstacle.error.code());
    }
    return codes;
  }
  static std::string password_of(const json& object) {
    return object.value("/data/.dockerconfigjson/auths/ghcr.io/password"_json_pointer, "");
  }
  // What is to be deleted where these targets no longer cover it.
  static CompareWith of_known(const std::set<std::string>& targets) {
    return {.leftovers = places_of(test::make_target(), "default"), .deletion = {.known_targets = targets}};
  }

  std::vector<std::string> secrets_{password};
  test::TempDir dir_;
  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  kube::KubeClient client_{test::context_of_test(), kube_.transport.connect()};
  RememberedState memory_{.footprints = FootprintStore(dir_ / "footprints"),
                          .book = ContextBook(dir_ / "contexts.json")};
  const RememberedState* remembered_ = &memory_;
  Differences found_;
};

TEST_F(DifferencesTest, AMissingSecretIsCreated) {
  find({plan_of(test::make_target())});
  ASSERT_THAT(told(), ElementsAre("create secret team/cred"));
  const json& after = found_.changes[0].after;
  EXPECT_EQ(
      after.at("metadata"),
      (json{{"name", "cred"},
            {"namespace", "team"},
            {"labels", {{managed_by_label, "regsync"}}},
            {"annotations",
             {{target_annotation, "t"}, {owner_annotation, "id jdoe@laptop"}, {place_annotation, "team/cred"}}}}));
  EXPECT_EQ(after.at("type"), pull_secret_type);
  EXPECT_EQ(password_of(after), "***");
  EXPECT_EQ(after.value("/data/.dockerconfigjson/auths/ghcr.io/username"_json_pointer, ""), "jdoe");
  EXPECT_THAT(found_.obstacles, IsEmpty());
  EXPECT_FALSE(found_.stuck);
}

TEST_F(DifferencesTest, OneThatIsAsItShouldBeIsNotTold) {
  json secret = ours();
  secret["metadata"]["labels"]["theirs"] = "x";
  kube_.put(cred, secret);
  find({plan_of(test::make_target())});
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(found_.obstacles, IsEmpty());
}

TEST_F(DifferencesTest, AnotherPasswordIsAChangeAndNeitherIsShown) {
  secrets_ = {"the old one", "the new one"};
  json secret = ours(test::make_target(), "the old one");
  secret["metadata"]["annotations"]["theirs"] = "the old one";
  secret["metadata"]["labels"]["theirs"] = "x";
  kube_.put(cred, secret);
  find({plan_of(test::make_target(), "the new one")});
  ASSERT_THAT(told(), ElementsAre("change secret team/cred"));
  EXPECT_EQ(password_of(found_.changes[0].before), "*** (before)");
  EXPECT_EQ(password_of(found_.changes[0].after), "*** (after)");
  EXPECT_EQ(found_.changes[0].before.at("metadata"), found_.changes[0].after.at("metadata")) << "what is ours of it";
}

TEST_F(DifferencesTest, WhatSomebodyMadeOfTheDataIsNotShownEither) {
  secrets_ = {password, "a private key"};
  json secret = ours();
  secret["data"]["extra"] = base64_encode("a private key");
  secret["data"][".dockerconfigjson"] = base64_encode("a private key, and no JSON");
  kube_.put(cred, secret);
  find({plan_of(test::make_target())});
  ASSERT_THAT(told(), ElementsAre("change secret team/cred"));
  EXPECT_EQ(found_.changes[0].before.at("data").at("extra"), "***") << "it stays";
  EXPECT_EQ(found_.changes[0].before.at("data").at(".dockerconfigjson"), "*** (before)");
}

TEST_F(DifferencesTest, WhatAKnownTargetNoLongerCoversIsDeleted) {
  kube_.put(cred, ours());
  const Target elsewhere = test::make_target("t", "cred", {"other"});
  find({plan_of(elsewhere)}, of_known({"t"}));
  ASSERT_THAT(told(), testing::UnorderedElementsAre("create secret other/cred", "delete secret team/cred"));
  find({plan_of(elsewhere)}, of_known({}));
  EXPECT_THAT(told(), ElementsAre("create secret other/cred")) << "its words may not delete";
}

TEST_F(DifferencesTest, WhatIsDeletedIsShownWithoutItsPassword) {
  kube_.put(cred, ours());
  CompareWith with = of_known({});
  with.deletion.forgotten = {"t"};
  find({}, with);
  ASSERT_THAT(told(), ElementsAre("delete secret team/cred"));
  EXPECT_EQ(password_of(found_.changes[0].before), "***");
}

TEST_F(DifferencesTest, WhatIsKeptIsReleased) {
  kube_.put(cred, ours());
  CompareWith with = of_known({});
  with.deletion.forgotten = {"t"};
  with.deletion.kept = {"t"};
  find({}, with);
  ASSERT_THAT(told(), ElementsAre("change secret team/cred"));
  EXPECT_EQ(found_.changes[0].before.at("metadata").at("labels"), (json{{managed_by_label, "regsync"}}));
  EXPECT_EQ(found_.changes[0].after.at("metadata"), (json{{"name", "cred"}, {"namespace", "team"}})) << "nobody's";
  EXPECT_EQ(found_.changes[0].after.at("data"), found_.changes[0].before.at("data"));
}

TEST_F(DifferencesTest, OneThatIsNotOursIsLeftAloneAndTold) {
  json secret = test::foreign_secret();
  secret["data"][".dockerconfigjson"] = base64_encode(R"({"auths":{"ghcr.io":{"password":"hunter2"}}})");
  kube_.put(cred, secret);
  find({plan_of(test::make_target())});
  EXPECT_THAT(told(), IsEmpty());
  ASSERT_THAT(obstacles(), ElementsAre(ErrorCode::not_owned));
  EXPECT_EQ(found_.obstacles[0].place, "c/team");
  EXPECT_TRUE(found_.stuck);
}

TEST_F(DifferencesTest, ThatOfAnotherRegsyncIsLeftAloneAndSaysWhose) {
  json secret = ours();
  secret["metadata"]["annotations"][owner_annotation] = "another jane@desktop";
  kube_.put(cred, secret);
  CompareWith with = of_known({"t"});
  with.deletion.forgotten = {"t"};
  find({}, with);
  EXPECT_THAT(told(), IsEmpty()) << "nor is it deleted";
  find({plan_of(test::make_target())}, with);
  EXPECT_THAT(told(), IsEmpty());
  ASSERT_THAT(obstacles(), ElementsAre(ErrorCode::not_owned));
  EXPECT_THAT(found_.obstacles[0].error.message(), HasSubstr("jane@desktop"));
}

TEST_F(DifferencesTest, WhatIsAdoptedIsToldWithWhoseItIs) {
  kube_.put(cred, test::foreign_secret());
  find({plan_of(test::make_target())}, {.adoption = Adoption::all});
  EXPECT_THAT(told(), ElementsAre("change secret team/cred"));
  EXPECT_EQ(found_.changes.at(0).taken_over, "written by kubectl-edit");
  EXPECT_THAT(obstacles(), IsEmpty());
  find({plan_of(test::make_target())}, {.asked = {"another"}, .adoption = Adoption::all});
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(DifferencesTest, OnlyWhatThisUserMadeIsAdoptedWhereNoTargetIsNamed) {
  const CompareWith lost{.adoption = Adoption::lost};
  kube_.put(cred, test::foreign_secret());
  find({plan_of(test::make_target())}, lost);
  EXPECT_THAT(told(), IsEmpty());
  json secret = ours();
  secret["metadata"]["annotations"][owner_annotation] = "another jane@desktop";
  kube_.put(cred, secret);
  find({plan_of(test::make_target())}, lost);
  EXPECT_THAT(told(), IsEmpty());
  secret["metadata"]["annotations"][owner_annotation] = "another jdoe@laptop";
  kube_.put(cred, secret);
  find({plan_of(test::make_target())}, lost);
  EXPECT_THAT(told(), ElementsAre("change secret team/cred"));
  EXPECT_EQ(found_.changes.at(0).taken_over, "made by this user under another owner id");
}

TEST_F(DifferencesTest, WhatHasAnotherNameIsDeletedOnlyWhereTheNewOneCanBeMade) {
  kube_.put(cred, ours());
  const auto renamed = plan_of(test::make_target("t", "other"));
  find({renamed}, of_known({"t"}));
  EXPECT_THAT(told(), ElementsAre("delete secret team/cred", "create secret team/other"));
  EXPECT_THAT(obstacles(), IsEmpty());
  kube_.put({"secrets", "team", "other"}, test::foreign_secret());
  find({renamed}, of_known({"t"}));
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(obstacles(), ElementsAre(ErrorCode::cancelled, ErrorCode::not_owned));

  secrets_ = {password, "the new one"};
  find({plan_of(test::make_target("t", "other"), "the new one")}, of_known({"t"}));
  ASSERT_THAT(told(), ElementsAre("change secret team/cred")) << "until then it gets the new login";
  EXPECT_EQ(found_.changes[0].after.at("metadata").at("name"), "cred");
  EXPECT_EQ(found_.changes[0].before.at("metadata"), found_.changes[0].after.at("metadata"));
}

TEST_F(DifferencesTest, AnOldCopyInAnAnnotationIsToldAndNotShown) {
  json secret = ours();
  secret["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
      json{{"data", {{".dockerconfigjson", base64_encode(password)}}}}.dump();
  kube_.put(cred, secret);
  find({plan_of(test::make_target(), "rotated")});
  EXPECT_THAT(told(), ElementsAre("change secret team/cred"));
  ASSERT_THAT(obstacles(), ElementsAre(ErrorCode::not_owned));
  EXPECT_THAT(found_.obstacles[0].error.remedy(),
              HasSubstr("kubectl --context c -n team annotate secret cred kubectl.kubernetes.io/"));
  EXPECT_FALSE(found_.stuck) << "the Secret is in sync all the same";
}

TEST_F(DifferencesTest, AMissingNamespaceIsToldOnceItIsNamed) {
  find({plan_of(test::make_target("t", "cred", {"team", "missing", "absent-*"}))});
  EXPECT_THAT(told(), ElementsAre("create secret team/cred"));
  ASSERT_THAT(obstacles(), ElementsAre(ErrorCode::namespace_missing));
  EXPECT_EQ(found_.obstacles[0].place, "c/missing");
  EXPECT_TRUE(found_.stuck);
}

TEST_F(DifferencesTest, ATargetWithoutNamespacesIsMeantWhereItIsAlready) {
  find({plan_of(test::make_target("t", "cred", {}))});
  EXPECT_THAT(told(), ElementsAre("create secret default/cred"));
  Footprint footprint;
  footprint.contexts["c"].secrets["cred"].namespaces = {"other"};
  footprint.own_namespaces["c"] = "other";
  memory_.footprints.set("t", footprint);
  find({plan_of(test::make_target("t", "cred", {}))});
  EXPECT_THAT(told(), ElementsAre("create secret other/cred"));
}

TEST_F(DifferencesTest, OfTwoTargetsThatWantOneSecretTheSecondIsRefused) {
  const auto one = plan_of(test::make_target("a"));
  const auto two = plan_of(test::make_target("b"));
  find({one, two});
  EXPECT_THAT(told(), ElementsAre("create secret team/cred"));
  ASSERT_THAT(obstacles(), ElementsAre(ErrorCode::already_exists));
  EXPECT_THAT(found_.obstacles[0].error.message(), HasSubstr("target a claims the same Secret"));
  EXPECT_TRUE(found_.stuck);
  kube_.put(cred, ours(test::make_target("b")));
  find({one, two});
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(shown(), HasSubstr("target b claims the same Secret")) << "who has it keeps it";
}

TEST_F(DifferencesTest, OnlyWhatConcernsTheTargetsThatWereAskedForIsTold) {
  const std::vector plans{plan_of(test::make_target("a", "one")), plan_of(test::make_target("b", "two"))};
  kube_.put({"secrets", "team", "three"}, ours(test::make_target("c", "three")));
  CompareWith with = of_known({"c"});
  with.leftovers.secrets["three"].namespaces = {"team"};
  with.asked = {"b"};
  find(plans, with);
  EXPECT_THAT(told(), ElementsAre("create secret team/two"));
  with.asked = {"c"};
  find(plans, with);
  EXPECT_THAT(told(), ElementsAre("delete secret team/three"));
  with.asked = {};
  find(plans, with);
  EXPECT_THAT(told(), SizeIs(3));
}

TEST_F(DifferencesTest, WhatIsWantedThroughAnotherContextOfTheClusterStays) {
  kube_.put(cred, ours());
  CompareWith with = of_known({"t"});
  DesiredState::add_sibling(
      with.siblings,
      {.context = "prod", .targets = std::make_shared<const std::vector<Target>>(std::vector{test::make_target()})});
  find({}, with);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(DifferencesTest, APinnedContextThatLeadsElsewhereGetsAndLosesNothing) {
  Target pinned = test::make_target();
  pinned.pin = true;
  kube_.put({"secrets", "other", "cred"}, ours(pinned, password, "other"));
  CompareWith with = of_known({"t"});
  with.leftovers.secrets["cred"].namespaces.insert("other");
  memory_.book.meet("c", {.uid = "1", .server = "https://k.example", .authorities = {}}, true, {});
  find({plan_of(pinned)}, with);
  EXPECT_THAT(told(), testing::UnorderedElementsAre("create secret team/cred", "delete secret other/cred"));
  memory_.book.meet("c", {.uid = "2", .server = "https://k.example", .authorities = {}}, true, {});
  with.deletion = {.uncertain = {"t"}};
  find({plan_of(pinned)}, with);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(obstacles(), ElementsAre(ErrorCode::kubeconfig));
  EXPECT_TRUE(found_.stuck);
}

TEST_F(DifferencesTest, OfATargetWhoseFootprintCannotBeReadNothingNewIsMade) {
  dir_.write("unreadable/t.json", "not what regsync wrote");
  const RememberedState unreadable{.footprints = FootprintStore(dir_ / "unreadable"),
                                   .book = ContextBook(dir_ / "contexts.json")};
  remembered_ = &unreadable;
  find({plan_of(test::make_target())});
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(shown(), HasSubstr("t.json is not a footprint that regsync wrote"));
  kube_.put(cred, ours(test::make_target(), "the old one"));
  find({plan_of(test::make_target())});
  EXPECT_THAT(told(), ElementsAre("change secret team/cred")) << "what is there is kept current";
}

TEST_F(DifferencesTest, AServiceAccountIsToldWithWhatIsOursOfIt) {
  kube_.put({"serviceaccounts", "team", "default"},
            account({{"theirs", "hunter2"}}, json::array({{{"name", "of-others"}}})));
  kube_.put({"serviceaccounts", "team", "builder"}, account());
  find({plan_of(attaching({"default"}))});
  ASSERT_THAT(told(), ElementsAre("create secret team/cred", "change account team/default"));
  const Difference& change = found_.changes[1];
  EXPECT_EQ(change.before.at("metadata"), (json{{"name", "default"}, {"namespace", "team"}}));
  EXPECT_EQ(change.before.at("imagePullSecrets"), json::array({{{"name", "of-others"}}}));
  EXPECT_THAT(change.after.at("imagePullSecrets"),
              testing::UnorderedElementsAre(json{{"name", "of-others"}}, json{{"name", "cred"}}));
  EXPECT_EQ(change.after.at("metadata").at("annotations").at("regsync.dev/image-pull-secrets"), "cred=id");
}

TEST_F(DifferencesTest, SeveralSecretsOfOneServiceAccountAreOneChange) {
  kube_.put({"serviceaccounts", "team", "default"}, account());
  Target other = attaching({"default"});
  other.name = "u";
  other.secret = "second";
  find({plan_of(attaching({"default"})), plan_of(other)});
  ASSERT_THAT(told(),
              ElementsAre("create secret team/cred", "create secret team/second", "change account team/default"));
  EXPECT_THAT(found_.changes[2].after.at("imagePullSecrets"), SizeIs(2));
}

TEST_F(DifferencesTest, ADeletedSecretIsDetachedWhereWeAttachedIt) {
  kube_.put(cred, ours());
  kube_.put({"serviceaccounts", "team", "default"},
            account({{"regsync.dev/image-pull-secrets", "cred"}, {place_annotation, "team/default"}},
                    json::array({{{"name", "cred"}}, {{"name", "of-others"}}})));
  kube_.put({"serviceaccounts", "team", "theirs"}, account(json::object(), json::array({{{"name", "cred"}}})));
  CompareWith with = of_known({"t"});
  with.leftovers.service_accounts = {"*"};
  find({}, with);
  ASSERT_THAT(told(), ElementsAre("delete secret team/cred", "change account team/default"));
  EXPECT_EQ(found_.changes[1].after.at("imagePullSecrets"), json::array({{{"name", "of-others"}}}));
}

TEST_F(DifferencesTest, ASecretThatIsGoneAlreadyIsDetachedWhereNobodyMayWantIt) {
  kube_.put({"serviceaccounts", "team", "default"},
            account({{"regsync.dev/image-pull-secrets", "cred=id"}, {place_annotation, "team/default"}},
                    json::array({{{"name", "cred"}}})));
  CompareWith with = of_known({"t"});
  with.leftovers.service_accounts = {"*"};
  find({}, with);
  EXPECT_THAT(told(), ElementsAre("change account team/default"));
  with.deletion.in_doubt = with.leftovers;
  find({}, with);
  EXPECT_THAT(told(), IsEmpty()) << "it may be of another target";
}

TEST_F(DifferencesTest, ASecretThatALogoutRemovedIsDetached) {
  kube_.put({"serviceaccounts", "team", "default"},
            account({{"regsync.dev/image-pull-secrets", "cred=id"}, {place_annotation, "team/default"}},
                    json::array({{{"name", "cred"}}})));
  Target target = attaching({"default"});
  target.on_logout = OnLogout::remove;
  KnownLogins logins;
  logins.asked = logins.gone = {RegistryKey("ghcr.io")};
  find({std::make_shared<const Plan>(make_plan(target, logins))});
  EXPECT_THAT(told(), ElementsAre("change account team/default"));
}

TEST_F(DifferencesTest, AServiceAccountThatIsMissingOrHiddenIsTold) {
  find({plan_of(attaching({"deployer", "nobody-*"}))});
  EXPECT_THAT(told(), ElementsAre("create secret team/cred"));
  EXPECT_THAT(obstacles(), ElementsAre(ErrorCode::service_account_missing)) << "a pattern may match nothing";
  EXPECT_THAT(shown(), HasSubstr("ServiceAccount deployer does not exist in namespace team"));
  EXPECT_TRUE(found_.stuck);
  kube_.forbids = [](const test::ApiRequest& request) { return request.key.resource == "serviceaccounts"; };
  find({plan_of(attaching({"deployer"}))});
  EXPECT_THAT(obstacles(), ElementsAre(ErrorCode::forbidden));
  EXPECT_THAT(shown(), Not(HasSubstr("does not exist"))) << "nobody knows";
  EXPECT_TRUE(found_.stuck);
}

TEST_F(DifferencesTest, OfAPausedTargetNothingIsToldAsChanged) {
  Target paused = attaching({"default"});
  paused.paused = true;
  kube_.put(cred, ours(paused, "the old one"));
  kube_.put({"serviceaccounts", "team", "default"}, account());
  find({plan_of(paused)});
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(DifferencesTest, AClusterThatFailsIsAnErrorAndNotNoDifference) {
  kube_.transport.answer("GET", "/api/v1/namespaces/team/secrets/cred", 500,
                         test::FakeTransport::status_body(500, "InternalError", "etcd is gone"));
  EXPECT_EQ(test::error_of(loop_, find_differences(client_, {plan_of(test::make_target())}, test::owner_of_test(),
                                                   *remembered_, found_))
                .code(),
            ErrorCode::server_error);
  EXPECT_THAT(found_.changes, IsEmpty());
}

TEST_F(DifferencesTest, APausedTargetKeepsItsSecretFromAnotherOneAndIsNotRefusedItself) {
  Target paused = test::make_target("a");
  paused.paused = true;
  find({plan_of(paused), plan_of(test::make_target("b"))});
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(shown(), HasSubstr("target a claims the same Secret"));
  paused.name = "c";
  find({plan_of(paused), plan_of(test::make_target("b"))});
  EXPECT_THAT(told(), ElementsAre("create secret team/cred"));
  EXPECT_THAT(obstacles(), IsEmpty());
}

}  // namespace
}  // namespace regsync::cli
