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

TEST(FootprintStore, WhatCouldNotBeReadAgainIsToldAndNotWritten) {
  const test::TempDir dir;
  Footprint footprint;
  for (int i = 0; i < 1000; ++i) {
    footprint.contexts["dev"].secrets["cred"].namespaces.insert("n" + std::to_string(i));
  }
  FootprintStore store(dir / "f");
  store.set("t", footprint);
  Footprint more = footprint;
  more.contexts["dev"].secrets["cred"].namespaces.insert(std::string(std::size_t{9} << 20, 'x'));
  EXPECT_THROW(store.set("t", more), Error);
  EXPECT_EQ(store.all().at("t"), footprint);
  EXPECT_EQ(FootprintStore(dir / "f").all().at("t"), footprint);
}

TEST(FootprintStore, WhatNobodyWroteThatWayIsUnreadable) {
  const test::TempDir dir;
  for (const char* text :
       {"[]", R"(["{\"forgotten\":false,\"contexts\":{}}"])", R"({"forgotten": false})",
        R"({"forgotten": false, "contexts": []})", R"({"forgotten": false, "contexts": {"dev": {}}})",
        R"({"forgotten": false, "contexts": {"dev": {"secrets": {}, "serviceAccounts": []}}} x)",
        R"({"forgotten": "no", "contexts": {}})"}) {
    dir.write("f/t.json", text);
    const FootprintStore store(dir / "f");
    EXPECT_TRUE(store.all().empty()) << text;
    EXPECT_TRUE(store.unreadable().contains("t")) << text;
  }
}

TEST(FootprintStore, TheNameOfAFileBeginsNoLine) {
  const test::TempDir dir;
  dir.write("f/a\nall is well here.json", "{");
  const FootprintStore store(dir / "f");
  ASSERT_EQ(store.unreadable().size(), 1U);
  EXPECT_EQ(describe(store.unreadable().begin()->second).find('\n'), std::string::npos);
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
