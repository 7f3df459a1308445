#include "sync/cli/ask/rivals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "sync/base/paths.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/engine/owner_file.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/sync/cli/contexts.hpp"

namespace regsync::cli {
namespace {

using testing::HasSubstr;

class Rivals : public testing::Test {
 protected:
  Rivals() { setenv("XDG_STATE_HOME", dir_.path().c_str(), 1); }

  static Target target(const std::string& name, std::vector<std::string> contexts,
                       std::vector<std::string> namespaces = {"team"}) {
    Target made;
    made.name = name;
    made.secret = "cred";
    made.registries = {"ghcr.io"};
    made.contexts = std::move(contexts);
    made.namespaces = std::move(namespaces);
    return made;
  }
  // Why the new target is refused beside this one; empty where it is not.
  static std::string refusal(const Target& added, const Target& other) {
    TargetFiles files;
    files[other.name].target = other;
    try {
      refuse_rival(added, files,
                   kube::Kubeconfig::parse(test::kubeconfig_text({"dev", "dev-again", "prod"}), "a file"));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::already_exists);
      return error.message();
    }
    return "";
  }

  test::TempDir dir_;
};

TEST_F(Rivals, KeepTheSameSecretInTheSameNamespaceOfTheSameContext) {
  EXPECT_EQ(refusal(target("new", {"dev"}), target("old", {"dev"})),
            "target old keeps Secret cred in namespace team of context dev");
  EXPECT_THAT(refusal(target("new", {"*"}), target("old", {"prod"})), HasSubstr("of context prod"));
  EXPECT_THAT(refusal(target("new", {"dev"}, {"team-*"}), target("old", {"dev"}, {"team-a"})),
              HasSubstr("namespace team-a"));
}

TEST_F(Rivals, AreNotThoseThatShareNoPlace) {
  EXPECT_EQ(refusal(target("new", {"dev"}), target("old", {"prod"})), "");
  EXPECT_EQ(refusal(target("new", {"dev"}, {"a"}), target("old", {"dev"}, {"b"})), "");
  EXPECT_EQ(refusal(target("new", {"dev"}), target("new", {"dev"})), "") << "it replaces itself";
  EXPECT_EQ(refusal(target("new", {"nowhere"}), target("old", {"nowhere"})), "");
  Target elsewhere = target("old", {"dev"});
  elsewhere.secret = "other";
  EXPECT_EQ(refusal(target("new", {"dev"}), elsewhere), "");
}

TEST_F(Rivals, MayReachOneClusterThroughTwoContexts) {
  ContextBook book(paths::contexts());
  const auto leads_to = [&](const std::string& context, const std::string& uid) {
    book.meet(context, {.uid = uid, .server = "https://" + context + ".example", .authorities = {}}, false, {});
    book.save();
  };
  leads_to("dev", "1");
  leads_to("dev-again", "2");
  EXPECT_EQ(refusal(target("new", {"dev-again"}), target("old", {"dev"})), "");
  leads_to("dev-again", "1");
  EXPECT_EQ(refusal(target("new", {"dev-again"}), target("old", {"dev"})),
            "target old keeps Secret cred in namespace team of context dev, which leads to the same cluster as context "
            "dev-again");
}

TEST_F(Rivals, WithoutNamespacesAreWhereTheyWentFirst) {
  EXPECT_THAT(refusal(target("new", {"dev"}, {}), target("old", {"dev"}, {})), HasSubstr("namespace default"));
  Footprint footprint;
  footprint.contexts["dev"].secrets["cred"].namespaces = {"before"};
  footprint.own_namespaces["dev"] = "before";
  FootprintStore(paths::footprints()).set("old", footprint);
  EXPECT_EQ(refusal(target("new", {"dev"}, {}), target("old", {"dev"}, {})), "");
  EXPECT_THAT(refusal(target("new", {"dev"}, {"before"}), target("old", {"dev"}, {})), HasSubstr("namespace before"));
}

// A name was given to the owner after regsyncd had run without one.
TEST_F(Rivals, AreWhereTheFootprintsOfTheOwnerInForceSay) {
  footprints_folder(load_owner(paths::owner()));
  Footprint footprint;
  footprint.contexts["dev"].secrets["cred"].namespaces = {"before"};
  footprint.own_namespaces["dev"] = "before";
  ::setenv("REGSYNC_OWNER", "team", 1);
  FootprintStore(footprints_folder(load_owner(paths::owner(), "team"))).set("old", footprint);
  EXPECT_THAT(refusal(target("new", {"dev"}, {"before"}), target("old", {"dev"}, {})), HasSubstr("namespace before"));
  ::unsetenv("REGSYNC_OWNER");
}

TEST_F(Rivals, ThatWereThereBeforeAChangeDoNotRefuseIt) {
  TargetFiles files;
  files["old"].target = target("old", {"dev"});
  const auto kubeconfig = kube::Kubeconfig::parse(test::kubeconfig_text({"dev", "prod"}), "a file");
  Target changed = target("new", {"dev"});
  changed.email = "me@example.com";
  EXPECT_NO_THROW(refuse_new_rival(target("new", {"dev"}), changed, files, kubeconfig));
  EXPECT_THROW(refuse_new_rival(target("new", {"prod"}), changed, files, kubeconfig), Error);
  EXPECT_THROW(refuse_new_rival(std::nullopt, changed, files, kubeconfig), Error);
  Target other_name = target("new", {"dev"});
  other_name.secret = "other";
  EXPECT_THROW(refuse_new_rival(other_name, changed, files, kubeconfig), Error);
  EXPECT_TRUE(has_namesake(changed, files));
  EXPECT_FALSE(has_namesake(other_name, files));
}

TEST_F(Rivals, AFileThatCannotBeReadIsNone) {
  TargetFiles files;
  files["old"].problem = Error(ErrorCode::invalid_input, "torn");
  EXPECT_NO_THROW(
      refuse_rival(target("new", {"dev"}), files, kube::Kubeconfig::parse(test::kubeconfig_text({"dev"}), "a file")));
}

}  // namespace
}  // namespace regsync::cli
