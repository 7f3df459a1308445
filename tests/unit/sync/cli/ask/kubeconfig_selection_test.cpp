#include "sync/cli/ask/kubeconfig_selection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/sync/cli/contexts.hpp"

namespace regsync::cli {
namespace {

using test::kubeconfig_text;
using testing::ElementsAre;
using testing::HasSubstr;

const kube::Kubeconfig some = kube::Kubeconfig::parse(kubeconfig_text({"prod-eu", "prod-us", "dev"}), "a file");
const kube::Kubeconfig empty = kube::Kubeconfig::parse("", "/home/jdoe/.kube/config");

Error refusal(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& names) {
  try {
    require_contexts(kubeconfig, names);
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::internal, "nothing was refused"};
}

TEST(KubeconfigSelection, NamesAndGlobsSelectContexts) {
  EXPECT_THAT(select_contexts(some, {}), ElementsAre());
  EXPECT_THAT(select_contexts(some, {"prod-*"}), ElementsAre("prod-eu", "prod-us"));
  EXPECT_THAT(select_contexts(some, {"prod-us", "d?v", "prod-us"}), ElementsAre("dev", "prod-us"));
  EXPECT_THAT(select_contexts(some, {"nowhere"}), ElementsAre());
}

TEST(KubeconfigSelection, TargetsGoToTheContextsThatTheySelectAndToThoseThatTheyNameInVain) {
  Target web;
  web.contexts = {"prod-*", "gone", "test-*"};
  Target api;
  api.contexts = {"dev", "prod-us"};
  EXPECT_THAT(contexts_of({web}, some), ElementsAre("gone", "prod-eu", "prod-us"));
  EXPECT_THAT(contexts_of({web, api}, some), ElementsAre("dev", "gone", "prod-eu", "prod-us"));
  EXPECT_THAT(contexts_of({}, some), ElementsAre());
  EXPECT_THAT(selected_contexts({web, api}, some), ElementsAre("dev", "prod-eu", "prod-us"));
}

TEST(KubeconfigSelection, ATargetThatSelectsContextsByLabelsOnlyGoesToNoneThatHasNone) {
  Target labelled;
  labelled.context_selector = LabelSelector::parse("env=prod");
  EXPECT_THAT(selected_contexts({labelled}, some), ElementsAre());
  EXPECT_THAT(contexts_of({labelled}, some), ElementsAre());
}

TEST(KubeconfigSelection, ANameThatIsNoContextIsRefusedWithTheNearest) {
  EXPECT_NO_THROW(require_contexts(some, {"dev", "prod-*"}));
  EXPECT_NO_THROW(require_contexts(some, {}));
  EXPECT_EQ(refusal(some, {"dev", "prod-eus"}).message(), "there is no context \"prod-eus\"; files read: a file");
  EXPECT_THAT(refusal(some, {"prod-eus"}).remedy(), HasSubstr("prod-eu"));
  EXPECT_EQ(refusal(some, {"test-*"}).message(), "no context matches \"test-*\"; files read: a file");
}

TEST(KubeconfigSelection, WhereThereIsNoContextTheFilesThatWereReadAreNamed) {
  const auto half = kube::Kubeconfig::parse(kubeconfig_text({"dev"}), "KUBECONFIG=/a:/b (/b does not exist)");
  EXPECT_THAT(refusal(half, {"prod"}).message(), HasSubstr("files read: KUBECONFIG=/a:/b (/b does not exist)"));
  EXPECT_THAT(refusal(empty, {"dev"}).message(), HasSubstr("files read: /home/jdoe/.kube/config"));
  EXPECT_THROW(require_any_context(empty), Error);
  EXPECT_NO_THROW(require_any_context(some));
}

class KubeconfigInForce : public testing::Test {
 protected:
  KubeconfigInForce() {
    setenv("HOME", dir_.path().c_str(), 1);
    setenv("XDG_CONFIG_HOME", dir_.path().c_str(), 1);
    setenv("XDG_STATE_HOME", (dir_ / "state").c_str(), 1);
    setenv("KUBECONFIG", dir_.write("env.yaml", kubeconfig_text({"env"})).c_str(), 1);
  }
  void set_settings(const std::string& yaml) { dir_.write("regsync/config.yaml", yaml); }

  test::TempDir dir_;
};

TEST_F(KubeconfigInForce, IsTheOptionsElseTheSettingsElseKubectls) {
  EXPECT_THAT(load_kubeconfig(std::nullopt).contexts(), ElementsAre("env"));
  set_settings("kubeconfig: " + dir_.write("set.yaml", kubeconfig_text({"set"})).string());
  EXPECT_THAT(load_kubeconfig(std::nullopt).contexts(), ElementsAre("set"));
  const auto given = dir_.write("given.yaml", kubeconfig_text({"given"}));
  EXPECT_THAT(load_kubeconfig(given).contexts(), ElementsAre("given"));
}

TEST_F(KubeconfigInForce, OfSettingsThatCannotBeUsedIsTheLastGoodOne) {
  set_settings("kubeconfig: " + dir_.write("set.yaml", kubeconfig_text({"set"})).string());
  EXPECT_THAT(load_kubeconfig_in_force(std::nullopt).contexts(), ElementsAre("set"));
  set_settings("kubeconfig: [torn");
  EXPECT_THAT(load_kubeconfig_in_force(std::nullopt).contexts(), ElementsAre("set"));
  EXPECT_THROW(load_kubeconfig(std::nullopt), Error) << "a person is told";
}

TEST_F(KubeconfigInForce, IsReadOnce) {
  LazyKubeconfig lazy(std::nullopt);
  EXPECT_THAT(lazy.get().contexts(), ElementsAre("env"));
  dir_.write("env.yaml", kubeconfig_text({"other"}));
  EXPECT_THAT(lazy.get().contexts(), ElementsAre("env"));
}

}  // namespace
}  // namespace regsync::cli
