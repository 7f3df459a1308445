#include "sync/engine/footprint_keeper.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

Target target(std::vector<std::string> namespaces) {
  Target target;
  target.name = "t";
  target.secret = "cred";
  target.namespaces = std::move(namespaces);
  return target;
}

// Those that several processes share.
class SharedFootprints final : public Footprints {
 public:
  void remove_elsewhere(const std::string& target) { removed_elsewhere_.insert(target); }
  [[nodiscard]] bool is_pending(const std::string& /*target*/, const std::string& /*context*/) const override {
    return false;
  }

 private:
  void keep(const std::string& /*target*/, const Footprint& /*footprint*/) override {}
  [[nodiscard]] bool is_still_unreadable(const std::string& /*target*/) const override { return false; }
};

class FootprintKeeperTest : public testing::Test {
 protected:
  static Wanted wanted(const std::vector<std::string>& namespaces) {
    return {{"t", {{"dev", Meant{.declared = std::make_shared<const Target>(target(namespaces))}}}}};
  }
  static Wanted wanted_in_own(const std::string& name_space) {
    Wanted wanted_there = wanted({});
    wanted_there.at("t").at("dev").own_namespace = name_space;
    return wanted_there;
  }

  test::TempDir dir_;
  FootprintStore store_{dir_ / "f"};
  FootprintKeeper keeper_{store_};
};

TEST_F(FootprintKeeperTest, AContextsOwnNamespaceStaysTheOneItWasFirst) {
  EXPECT_EQ(keeper_.own_namespace("t", "dev"), std::nullopt);
  keeper_.remember(wanted_in_own("n1"));
  EXPECT_EQ(keeper_.own_namespace("t", "dev"), "n1");
  EXPECT_EQ(keeper_.own_namespace("t", "other"), std::nullopt);
  FootprintStore again(dir_ / "f");
  EXPECT_EQ(FootprintKeeper(again).own_namespace("t", "dev"), "n1");
}

TEST_F(FootprintKeeperTest, AFootprintOfAnOlderVersionTellsItsOnlyNamespace) {
  dir_.write("f/t.json", R"({"forgotten": false, "contexts": {"dev": {"secrets": {"cred":
      {"all": false, "namespaces": ["n1"]}}, "serviceAccounts": []}}})");
  FootprintStore store(dir_ / "f");
  EXPECT_EQ(FootprintKeeper(store).own_namespace("t", "dev"), "n1");
}

TEST_F(FootprintKeeperTest, ANamespaceThatWasNamedIsNotTheOwnOne) {
  keeper_.remember(wanted({"n1"}));
  FootprintStore again(dir_ / "f");
  EXPECT_EQ(FootprintKeeper(again).own_namespace("t", "dev"), std::nullopt);
}

TEST_F(FootprintKeeperTest, NamespacesThatAreNamedEndTheHoldOnTheOwnOne) {
  keeper_.remember(wanted_in_own("n1"));
  keeper_.remember(wanted({"n1", "n3"}));
  EXPECT_TRUE(keeper_.find("t")->own_namespaces.empty());
}

TEST_F(FootprintKeeperTest, AContextThatNoFileCanNameHoldsItsTargetAlone) {
  Wanted both = wanted({"n1"});
  both["u"] = std::exchange(both["t"], {{"prod-\xfc", both["t"].at("dev")}});
  keeper_.remember(both);
  EXPECT_TRUE(keeper_.held("t"));
  EXPECT_FALSE(keeper_.held("u"));
  FootprintStore again(dir_ / "f");
  EXPECT_NE(FootprintKeeper(again).find("u"), nullptr);
}

TEST_F(FootprintKeeperTest, AFootprintThatIsNotOneHoldsItsTargetAndIsLeftAlone) {
  for (const auto* garbage : {"", "[]", "{\"half", "{\"forgotten\": 1}"}) {
    dir_.write("f/t.json", garbage);
    FootprintStore store(dir_ / "f");
    FootprintKeeper keeper(store);
    keeper.remember(wanted({"n1"}));
    EXPECT_TRUE(keeper.held("t")) << garbage;
    EXPECT_EQ(test::read_file(dir_ / "f/t.json"), garbage);
  }
}

TEST_F(FootprintKeeperTest, AFolderInItsPlaceHoldsOneTargetOnly) {
  std::filesystem::create_directories(dir_ / "f/t.json");
  FootprintStore store(dir_ / "f");
  FootprintKeeper keeper(store);
  Wanted both = wanted({"n1"});
  both["u"] = both.at("t");
  keeper.remember(both);
  EXPECT_TRUE(keeper.held("t"));
  EXPECT_FALSE(keeper.held("u"));
  std::filesystem::remove(dir_ / "f/t.json");
  keeper.remember(both);
  EXPECT_FALSE(keeper.held("t"));
}

TEST_F(FootprintKeeperTest, ATargetThatWasRemovedElsewhereIsHeldUntilItsFileHereIsGone) {
  SharedFootprints shared;
  FootprintKeeper keeper(shared);
  shared.remove_elsewhere("t");
  EXPECT_TRUE(keeper.held("t"));
  EXPECT_FALSE(keeper.held("other"));
  keeper.remember(wanted({"n1"}));
  EXPECT_EQ(keeper.find("t"), nullptr) << "a footprint would say to the others that it is back";
  keeper.note_files(std::set<std::string>());
  EXPECT_FALSE(keeper.held("t"));
  keeper.remember(wanted({"n1"}));
  EXPECT_NE(keeper.find("t"), nullptr);
}

TEST_F(FootprintKeeperTest, IsCutBackWhereItIsClean) {
  keeper_.remember(wanted({"n1", "n2"}));
  const auto yes = [](const auto&...) { return true; };
  const auto no = [](const auto&...) { return false; };
  EXPECT_TRUE(keeper_.has_excess("t", wanted({"n1"})));
  EXPECT_FALSE(keeper_.trim(wanted({"n1"}), no, yes)) << "a target that is not understood";
  EXPECT_FALSE(keeper_.trim(wanted({"n1"}), yes, no)) << "not known to be clean";
  EXPECT_TRUE(keeper_.trim(wanted({"n1"}), yes, yes));
  EXPECT_EQ(keeper_.find("t")->contexts.at("dev").secrets.at("cred").namespaces, std::set<std::string>{"n1"});
  EXPECT_FALSE(keeper_.has_excess("t", wanted({"n1"})));
}

}  // namespace
}  // namespace regsync
