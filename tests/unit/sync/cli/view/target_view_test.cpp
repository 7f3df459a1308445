#include "sync/cli/view/target_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sync/base/paths.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/sync/cli/fake_console.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

Target target() {
  Target made;
  made.name = "web";
  made.secret = "cred";
  made.registries = {"ghcr.io"};
  made.contexts = {"dev"};
  return made;
}

TEST(TargetView, AsJsonHasTheKeysOfTheFileWithTheirTypes) {
  Target made = target();
  EXPECT_EQ(to_json(made),
            (json{{"name", "web"}, {"secret", "cred"}, {"registries", {"ghcr.io"}}, {"contexts", {"dev"}}}));
  made.secret = "012";
  made.namespaces = {"n", "true"};
  made.pin = made.paused = true;
  made.verify_logins = false;
  const json shown = to_json(made);
  EXPECT_EQ(shown.at("secret"), "012") << "a name, whatever YAML takes it for";
  EXPECT_EQ(shown.at("namespaces"), (json{"n", "true"}));
  EXPECT_EQ(shown.at("pin"), true);
  EXPECT_EQ(shown.at("paused"), true);
  EXPECT_EQ(shown.at("verifyLogins"), false);
}

TEST(TargetView, NamesTheFieldsThatAReplacementDrops) {
  Target before = target();
  EXPECT_THAT(dropped_fields(before, target()), testing::IsEmpty());
  before.paused = before.pin = true;
  before.namespaces = {"team-a"};
  before.expires = {{"ghcr.io", {}}, {"quay.io", {}}};
  EXPECT_THAT(dropped_fields(before, target()),
              ElementsAre("expires.ghcr.io", "expires.quay.io", "namespaces", "paused", "pin"));
  Target after = before;
  after.expires.erase("quay.io");
  after.namespaces = {"team-b"};
  EXPECT_THAT(dropped_fields(before, after), ElementsAre("expires.quay.io")) << "another value is no dropped field";
  EXPECT_THAT(dropped_fields(target(), before), testing::IsEmpty());
}

TEST(TargetView, SaysWhichNamespacesItSelects) {
  Target made = target();
  EXPECT_EQ(namespaces_text(made), "<context's own>");
  made.exclude_namespaces = {"kube-*"};
  EXPECT_EQ(namespaces_text(made), "<context's own>,!kube-*");
  made.namespaces = {"default", "team-*"};
  made.namespace_selector = LabelSelector::parse("env=prod");
  EXPECT_EQ(namespaces_text(made), "default,team-*,(env=prod),!kube-*");
}

TEST(TargetView, OfManyNamespacesCountsThoseThatAreNotNamed) {
  EXPECT_EQ(namespaces_text({}, 0), "");
  EXPECT_EQ(namespaces_text({"b", "a"}, 2), "a,b");
  EXPECT_EQ(namespaces_text({"b", "a"}, 42), "a,b and 40 more");
  EXPECT_EQ(namespaces_text({"b", "a"}, 1), "a,b") << "never fewer than none";
}

class TargetFolder : public testing::Test {
 protected:
  TargetFolder() { setenv("XDG_CONFIG_HOME", dir_.path().c_str(), 1); }
  void write(const std::string& name, const std::string& yaml = "registries: [ghcr.io]\ncontexts: [dev]\n") {
    dir_.write("regsync/targets/" + name + ".yaml", yaml);
  }
  template <typename Ask>
  static Error refusal(Ask ask) {
    try {
      ask();
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::internal, "nothing was refused"};
  }

  test::TempDir dir_;
  test::FakeConsole console_;
};

TEST_F(TargetFolder, ATargetIsFoundByItsName) {
  write("web");
  EXPECT_EQ(require_target("web").secret, "web");
  const Error mistyped = refusal([] { require_target("wbe"); });
  EXPECT_EQ(mistyped.code(), ErrorCode::not_found);
  EXPECT_EQ(mistyped.remedy(), "did you mean \"web\"?");
  write("torn", "registries: [");
  EXPECT_EQ(refusal([] { require_target("torn"); }).code(), ErrorCode::invalid_input) << "the file's own problem";
}

TEST_F(TargetFolder, WithoutTargetsOneIsToBeDeclared) {
  EXPECT_THAT(refusal([] { require_target("web"); }).remedy(), HasSubstr("regsync add web"));
  EXPECT_THAT(refusal([&] { require_targets({}, console_.console()); }).remedy(), HasSubstr("regsync add"));
  EXPECT_TRUE(declared_targets(console_.console()).complete) << "who can do without looks on";
}

TEST_F(TargetFolder, NamesAreAskedForOnceEach) {
  write("web");
  write("api");
  write("torn", "registries: [");
  const AskedTargets asked = require_targets({"web", "api", "web"}, console_.console());
  EXPECT_THAT(asked.targets, SizeIs(2));
  EXPECT_TRUE(asked.complete) << "nobody asked for the torn one";
  EXPECT_EQ(console_.err(), "");
  EXPECT_THAT(asked.files, SizeIs(3));
}

TEST_F(TargetFolder, AFileThatCannotBeUsedHidesNoOther) {
  write("web");
  write("torn", "registries: [");
  const AskedTargets all = require_targets({}, console_.console());
  EXPECT_THAT(all.targets, SizeIs(1));
  EXPECT_FALSE(all.complete);
  EXPECT_THAT(console_.err(), HasSubstr("torn.yaml"));
  EXPECT_THAT(target_names(), ElementsAre("torn", "web"));
}

}  // namespace
}  // namespace regsync::cli
