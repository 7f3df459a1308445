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

TEST(FootprintStore, AnUnreadableFileIsLeftAlone) {
  const test::TempDir dir;
  dir.write("f/t.json", "{\"half");
  const FootprintStore store(dir / "f");
  EXPECT_TRUE(store.all().empty());
  EXPECT_EQ(test::read_file(dir / "f/t.json"), "{\"half");
}

}  // namespace
}  // namespace regsync
