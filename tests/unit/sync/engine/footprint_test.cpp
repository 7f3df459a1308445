#include "sync/engine/footprint.hpp"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

TEST(FootprintStore, RemembersAcrossRestarts) {
  const test::TempDir dir;
  Footprint footprint;
  footprint.forgotten = true;
  footprint.contexts["dev"].secrets["cred"] = {false, {"a", "b"}};
  footprint.contexts["prod"].secrets["cred"] = {true, {}};
  footprint.contexts["prod"].service_accounts = {"default"};
  footprint.kept = {"prod"};
  FootprintStore(dir / "f").set("t", footprint);
  FootprintStore again(dir / "f");
  EXPECT_EQ(again.all().at("t"), footprint);
  again.set("t", {});
  EXPECT_TRUE(FootprintStore(dir / "f").all().empty());
}

TEST(FootprintStore, ReadsTheFilesOfOlderVersions) {
  const test::TempDir dir;
  dir.write("f/t.json", R"({"forgotten": false, "kept": [], "contexts": {"dev": {"serviceAccounts": ["default"],
    "secrets": {"cred": {"all": true, "namespaces": ["a"]}, "other": {"all": false, "namespaces": ["b"]}}}}})");
  const FootprintStore store(dir / "f");
  const Places& places = store.all().at("t").contexts.at("dev");
  EXPECT_EQ(places.secrets.at("cred"), (Scope{true, {"a"}}));
  EXPECT_EQ(places.secrets.at("other"), (Scope{false, {"b"}}));
}

TEST(FootprintStore, AnUnreadableFileIsLeftAlone) {
  const test::TempDir dir;
  dir.write("f/t.json", "{\"half");
  const FootprintStore store(dir / "f");
  EXPECT_TRUE(store.all().empty());
  EXPECT_EQ(test::read_file(dir / "f/t.json"), "{\"half");
}

}  // namespace
}  // namespace regsync
