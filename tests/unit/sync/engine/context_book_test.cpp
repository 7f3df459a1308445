#include "sync/engine/context_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/key_pair.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

const ClusterIdentity one{.uid = "u1", .server = "https://a", .authorities = {"c1"}};
const ClusterIdentity other{.uid = "u2", .server = "https://a", .authorities = {"c2"}};
const WallTime noon = std::chrono::system_clock::from_time_t(1'700'000'000);

ClusterIdentity without_uid(ClusterIdentity identity) {
  identity.uid.clear();
  return identity;
}

TEST(ClusterIdentity, TheUidDecidesWhereItIsKnown) {
  EXPECT_EQ(same_cluster(one, one), Same::yes);
  EXPECT_EQ(same_cluster(one, other), Same::no);
  EXPECT_EQ(same_cluster(one, {.uid = "u1", .server = "https://b", .authorities = {"c9"}}), Same::yes);
}

TEST(ClusterIdentity, WithoutAUidServerAndAuthorityCanOnlyProveThatItIsTheSame) {
  EXPECT_EQ(same_cluster(without_uid(one), one), Same::yes);
  EXPECT_EQ(same_cluster(without_uid(one), other), Same::unknown);
}

class ContextBookTest : public testing::Test {
 protected:
  using Met = ContextBook::Met;

  test::TempDir dir_;
  ContextBook book_{dir_ / "contexts.json"};
};

TEST_F(ContextBookTest, RemembersAcrossRestarts) {
  book_.meet("dev", one, false, noon);
  book_.meet("dev", other, true, noon);
  book_.save();
  const ContextBook again(dir_ / "contexts.json");
  EXPECT_EQ(again.all(), book_.all());
}

TEST_F(ContextBookTest, AnotherClusterIsNotedAndAPinnedContextIsHeldUntilItIsTrusted) {
  EXPECT_EQ(book_.meet("dev", one, false, noon), Met::news);
  EXPECT_EQ(book_.meet("dev", one, false, noon), Met::as_before);
  EXPECT_EQ(book_.meet("dev", other, false, noon), Met::elsewhere);
  EXPECT_EQ(book_.find("dev")->identity, other);
  EXPECT_EQ(book_.find("dev")->changed, noon);

  book_.meet("prod", one, true, noon);
  EXPECT_EQ(book_.meet("prod", other, true, noon), Met::elsewhere);
  EXPECT_EQ(book_.find("prod")->identity, one);
  EXPECT_EQ(book_.find("prod")->held, other);
  EXPECT_EQ(book_.meet("prod", other, true, noon), Met::as_before) << "told already";
  book_.trust("prod");
  EXPECT_EQ(book_.find("prod")->identity, other);
  EXPECT_FALSE(book_.find("prod")->held);
  EXPECT_FALSE(book_.find("prod")->changed);
}

TEST_F(ContextBookTest, AHeldContextThatLeadsBackIsNotHeldAnyMore) {
  book_.meet("prod", one, true, noon);
  book_.meet("prod", other, true, noon);
  book_.meet("prod", one, true, noon);
  EXPECT_FALSE(book_.find("prod")->held);
}

TEST_F(ContextBookTest, ARightThatIsTakenAwayIsNoOtherCluster) {
  book_.meet("dev", one, false, noon);
  EXPECT_EQ(book_.meet("dev", without_uid(one), false, noon), Met::as_before);
  EXPECT_EQ(book_.find("dev")->identity.uid, "u1");
}

// What answers there may be another cluster, whose rights are other ones.
TEST_F(ContextBookTest, APinnedContextIsHeldWhereAUidThatWasKnownCannotBeRead) {
  book_.meet("prod", one, true, noon);
  EXPECT_EQ(book_.meet("prod", without_uid(one), true, noon), Met::news);
  EXPECT_TRUE(book_.is_held("prod"));
  EXPECT_TRUE(book_.is_unsure("prod"));
  book_.meet("prod", one, true, noon);
  EXPECT_FALSE(book_.is_held("prod")) << "it says that it is the same";

  book_.meet("prod", without_uid(one), true, noon);
  ClusterIdentity another = one;
  another.uid = "u3";
  EXPECT_EQ(book_.meet("prod", another, true, noon), Met::elsewhere) << "that was not told yet";
  EXPECT_FALSE(book_.is_unsure("prod"));
}

// An API server that starts may refuse everything for a moment.
TEST_F(ContextBookTest, AHeldContextStaysSoWhereNoUidCanBeRead) {
  ClusterIdentity another = one;
  another.uid = "u3";
  book_.meet("prod", one, true, noon);
  book_.meet("prod", another, true, noon);
  book_.meet("prod", without_uid(one), true, noon);
  EXPECT_EQ(book_.find("prod")->held, another);
  EXPECT_EQ(book_.meet("prod", another, true, noon), Met::as_before) << "told already";
}

TEST_F(ContextBookTest, WhoTrustsAContextWithoutAUidIsNotAskedAgain) {
  book_.meet("prod", one, true, noon);
  book_.meet("prod", without_uid(one), true, noon);
  book_.trust("prod");
  EXPECT_EQ(book_.meet("prod", without_uid(one), true, noon), Met::as_before);
  EXPECT_FALSE(book_.is_held("prod"));
  book_.meet("prod", one, true, noon);
  EXPECT_FALSE(book_.is_held("prod"));
}

TEST_F(ContextBookTest, ARotatedAuthorityIsTheSameClusterWhileOneCertificateStays) {
  const std::string before = test::make_key_pair().certificate;
  const std::string after = test::make_key_pair().certificate;
  const auto with = [](std::string authority) {
    kube::ResolvedContext context;
    context.server = "https://a";
    context.ca_data = std::move(authority);
    return identity_of(context);
  };
  book_.meet("dev", with(before), true, noon);
  EXPECT_EQ(book_.meet("dev", with("# ours\n" + before + "# theirs\n" + after), true, noon), Met::news);
  EXPECT_EQ(book_.meet("dev", with(after), true, noon), Met::news);
  EXPECT_FALSE(book_.is_held("dev"));
  EXPECT_EQ(same_cluster(with(before), with(after + before)), Same::yes);
  EXPECT_EQ(same_cluster(with(before), with(after)), Same::unknown);
  EXPECT_EQ(book_.meet("dev", with(before), true, noon), Met::elsewhere);
}

TEST_F(ContextBookTest, AnAuthorityThatWasKeptByItsTextIsTheSame) {
  dir_.write("contexts.json", R"({"contexts": {"dev": {"server": "https://a", "authority": "c1"}}})");
  ContextBook book(dir_ / "contexts.json");
  EXPECT_EQ(book.meet("dev", {.uid = {}, .server = "https://a", .authorities = {"c1", "c7"}}, true, noon), Met::news);
  EXPECT_EQ(book.meet("dev", {.uid = {}, .server = "https://a", .authorities = {"c2"}}, true, noon), Met::elsewhere);
}

TEST_F(ContextBookTest, AMovedServerWithTheSameAuthorityIsTheSameCluster) {
  book_.meet("dev", without_uid(one), false, noon);
  EXPECT_EQ(book_.meet("dev", {.uid = {}, .server = "https://moved", .authorities = {"c1"}}, false, noon), Met::news);
}

TEST_F(ContextBookTest, WhatTheUidOfASecretProvedCounts) {
  book_.meet("x", without_uid(one), false, noon);
  book_.meet("y", without_uid(other), false, noon);
  EXPECT_EQ(book_.same("x", "y"), Same::unknown);
  book_.learn("y", "x", true);
  EXPECT_EQ(book_.same("x", "y"), Same::yes);
  EXPECT_EQ(book_.peers("x"), std::set<std::string>{"y"});
}

TEST_F(ContextBookTest, WhatASecretProvedEndsWhereAContextIsMoved) {
  book_.meet("x", without_uid(one), false, noon);
  book_.meet("y", without_uid(other), false, noon);
  book_.learn("x", "y", false);
  EXPECT_EQ(book_.same("x", "y"), Same::no);
  book_.meet("y", {.uid = {}, .server = "https://moved", .authorities = {"c2"}}, false, noon);
  EXPECT_EQ(book_.same("x", "y"), Same::unknown);
  book_.learn("x", "y", true);
  book_.forget("x");
  book_.meet("x", without_uid(one), false, noon);
  EXPECT_EQ(book_.same("x", "y"), Same::unknown);
}

TEST_F(ContextBookTest, PeersLeadToOneCluster) {
  book_.meet("a", one, false, noon);
  book_.meet("b", other, false, noon);
  book_.meet("c", {.uid = "u1", .server = "https://elsewhere", .authorities = {"c9"}}, false, noon);
  book_.meet("d", without_uid(one), false, noon);
  EXPECT_EQ(book_.peers("a"), (std::set<std::string>{"c", "d"}));
  EXPECT_EQ(book_.peers("b"), std::set<std::string>());
  EXPECT_EQ(book_.peers("d"), std::set<std::string>{"a"});
  book_.meet("a", other, false, noon);
  EXPECT_EQ(book_.peers("b"), std::set<std::string>{"a"});
  EXPECT_EQ(book_.peers("unknown"), std::set<std::string>());
}

TEST_F(ContextBookTest, APinnedContextWithoutAUidIsHeldWhereItsServerIsAnotherOne) {
  book_.meet("prod", without_uid(one), true, noon);
  ClusterIdentity moved = without_uid(one);
  moved.server = "https://b";
  EXPECT_EQ(book_.meet("prod", moved, true, noon), Met::elsewhere) << "one authority may have many clusters";
  EXPECT_TRUE(book_.is_held("prod"));
}

TEST_F(ContextBookTest, WhereTheBookIsLostPinnedContextsWaitToBeTrusted) {
  dir_.write("contexts.json", "torn {");
  {
    ContextBook lost(dir_ / "contexts.json");
    lost.meet("prod", one, true, noon);
    lost.meet("dev", one, false, noon);
    EXPECT_TRUE(lost.is_held("prod"));
    EXPECT_FALSE(lost.is_held("dev"));
    lost.save();
  }
  ContextBook again(dir_ / "contexts.json");
  EXPECT_TRUE(again.is_held("prod")) << "a restart is no trust";
  again.meet("prod", one, true, noon);
  EXPECT_TRUE(again.is_held("prod"));
  again.trust("prod");
  EXPECT_FALSE(again.is_held("prod"));
}

TEST_F(ContextBookTest, ALostBookStaysSoUntilAllPinnedContextsWereMet) {
  for (const auto* content : {"", "torn {", "[]", "null", "{}", R"({"contexts": 1})"}) {
    dir_.write("contexts.json", content);
    {
      ContextBook lost(dir_ / "contexts.json");
      EXPECT_TRUE(lost.is_lost()) << content;
      lost.meet("dev", one, false, noon);
      lost.save();
    }
    ContextBook again(dir_ / "contexts.json");
    EXPECT_NE(again.find("dev"), nullptr) << content;
    again.meet("prod", one, true, noon);
    EXPECT_TRUE(again.is_held("prod")) << content;
    again.end_loss();
    again.save();
    EXPECT_FALSE(ContextBook(dir_ / "contexts.json").is_lost()) << content;
  }
  std::filesystem::remove(dir_ / "contexts.json");
  EXPECT_FALSE(ContextBook(dir_ / "contexts.json").is_lost()) << "nothing was known";
}

TEST_F(ContextBookTest, WhatCannotCountYetIsPutBack) {
  book_.meet("dev", one, false, noon);
  const auto before = book_.all();
  book_.meet("dev", other, false, noon);
  book_.put_back(before);
  book_.save();
  EXPECT_EQ(ContextBook(dir_ / "contexts.json").all(), before);
  EXPECT_EQ(book_.meet("dev", other, false, noon), Met::elsewhere) << "it is met again";
}

TEST_F(ContextBookTest, WhatCannotBeWrittenIsWrittenTheNextTime) {
  std::filesystem::create_directories(dir_ / "contexts.json/in-the-way");
  book_.meet("dev", one, false, noon);
  book_.save();
  std::filesystem::remove_all(dir_ / "contexts.json");
  book_.save();
  EXPECT_EQ(ContextBook(dir_ / "contexts.json").all(), book_.all());
}

TEST_F(ContextBookTest, AFormerClusterIsRememberedUntilTheContextLeadsBack) {
  book_.meet("dev", one, false, noon);
  book_.meet("dev", other, false, noon);
  std::vector<std::string> dropped;
  const auto may_drop = [](const std::string& former) { return former.find("x0") == std::string::npos; };
  const auto name = book_.keep_former("dev", one, noon, {}, may_drop, dropped);
  EXPECT_EQ(name, "dev (u1 at https://a)");
  EXPECT_FALSE(book_.returned_from("dev"));
  book_.meet("prod", one, false, noon);
  EXPECT_EQ(book_.peers("prod"), (std::set<std::string>{name}));
  book_.meet("dev", one, false, noon);
  EXPECT_EQ(book_.returned_from("dev"), name);
  for (int i = 0; i < 9; ++i) {
    book_.keep_former("dev", {.uid = "x" + std::to_string(i), .server = "https://x", .authorities = {}},
                      noon + std::chrono::hours(i + 1), {}, may_drop, dropped);
  }
  EXPECT_EQ(dropped.size(), 4U);
  EXPECT_EQ(dropped.front(), name) << "the oldest";
  EXPECT_NE(book_.find("dev (x0 at https://x)"), nullptr);
}

TEST_F(ContextBookTest, TwoFormerClustersOfOneAddressHaveTwoNames) {
  std::vector<std::string> dropped;
  const auto none = [](const std::string&) { return false; };
  const ClusterIdentity first{.uid = "", .server = "https://x", .authorities = {"c1"}};
  const ClusterIdentity second{.uid = "", .server = "https://x", .authorities = {"c2"}};
  EXPECT_EQ(book_.keep_former("dev", first, noon, {}, none, dropped), "dev (https://x)");
  EXPECT_EQ(book_.keep_former("dev", second, noon, {}, none, dropped), "dev (https://x, 2)");
  EXPECT_EQ(book_.keep_former("dev", first, noon, {}, none, dropped), "dev (https://x)");
  EXPECT_EQ(book_.find("dev (https://x)")->identity, first);
  EXPECT_EQ(book_.find("dev (https://x, 2)")->identity, second);
}

TEST_F(ContextBookTest, FormerClustersThatOnlyFootprintsTellOfAreTheOldest) {
  const std::string old = "dev (u0 at https://old)";
  std::vector<std::string> dropped;
  const auto all = [](const std::string&) { return true; };
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(dropped, testing::IsEmpty());
    book_.keep_former("dev", {.uid = "x" + std::to_string(i), .server = "https://x", .authorities = {}},
                      noon + std::chrono::hours(i), {old}, all, dropped);
  }
  EXPECT_THAT(dropped, testing::ElementsAre(old));
}

TEST(FormerContext, IsReadFromTheNameOfWhereItLed) {
  for (const auto* name : {"dev (https://a)", "dev (u1 at https://a:6443)", "dev (https://a, 2)"}) {
    EXPECT_EQ(former_context(name), "dev") << name;
  }
  EXPECT_EQ(former_context("dev (old) (https://a)"), "dev (old)");
  for (const auto* name : {"dev", "dev (old)", "fleet/a", "https://a", " (", ""}) {
    EXPECT_EQ(former_context(name), "") << name;
  }
}

TEST_F(ContextBookTest, WhatNobodyNeedsIsDroppedButNotWhatIsHeldOrAFormerCluster) {
  book_.meet("needed", one, false, noon);
  book_.meet("gone", one, false, noon);
  book_.meet("held", one, true, noon);
  book_.meet("held", other, true, noon);
  std::vector<std::string> dropped;
  const auto former = book_.keep_former("gone", other, noon, {}, [](const auto&) { return false; }, dropped);
  book_.drop_unless([](const std::string& context) { return context == "needed"; });
  std::set<std::string> left;
  for (const auto& [context, known] : book_.all()) {
    left.insert(context);
  }
  EXPECT_EQ(left, (std::set<std::string>{"needed", "held", former}));
  EXPECT_EQ(book_.peers("needed"), std::set<std::string>()) << "the one that is gone counts no more";
}

TEST_F(ContextBookTest, WhatAnotherProcessKnewOfAPinCountsBeforeWhatThisOneFinds) {
  const auto with = [](const std::string& uid) {
    return ClusterIdentity{.uid = uid, .server = "https://a", .authorities = {}};
  };
  book_.recall("prod", with("u1"));
  EXPECT_EQ(book_.meet("prod", one, true, noon), Met::news);
  EXPECT_FALSE(book_.is_held("prod"));
  book_.recall("prod", with("u1"));
  EXPECT_EQ(book_.find("prod")->identity, one) << "nothing new";

  book_.recall("prod", with("u2"));
  EXPECT_EQ(book_.meet("prod", one, true, noon), Met::elsewhere);
  EXPECT_TRUE(book_.is_held("prod"));

  book_.recall("dev", with("u1"));
  book_.meet("dev", without_uid(one), true, noon);
  EXPECT_TRUE(book_.is_unsure("dev")) << "it does not say it any more";
}

// It would be refused by the next process, which then knows nothing at all.
TEST_F(ContextBookTest, WhatCouldNotBeReadAgainIsNotWritten) {
  book_.meet("dev", one, false, noon);
  book_.save();
  ClusterIdentity large = other;
  large.server = "https://" + std::string(17UL * 1024 * 1024, 'a');
  book_.meet("large", large, false, noon);
  book_.save();
  ASSERT_TRUE(book_.problem());
  EXPECT_THAT(book_.problem()->message(), testing::HasSubstr("more than"));
  EXPECT_NE(ContextBook(dir_ / "contexts.json").find("dev"), nullptr);
  book_.forget("large");
  EXPECT_FALSE(book_.problem());
}

TEST_F(ContextBookTest, AUidThatNoServerMaySayIsNone) {
  dir_.write("contexts.json", R"({"contexts": {"dev": {"uid": "aaaaaaa\u00fc\u001b[2J", "server": "https://a"}}})");
  EXPECT_EQ(ContextBook(dir_ / "contexts.json").find("dev")->identity.uid, "");
}

TEST_F(ContextBookTest, AUidIsNotThatOfAnotherAddress) {
  book_.meet("dev", one, false, noon);
  book_.meet("prod", {.uid = one.uid, .server = "https://prod", .authorities = one.authorities}, false, noon);
  book_.meet("dev", {.uid = "", .server = "https://elsewhere", .authorities = one.authorities}, false, noon);
  EXPECT_EQ(book_.same("dev", "prod"), Same::unknown);
}

TEST_F(ContextBookTest, AFileThatIsNotOneIsAnEmptyBook) {
  for (const auto* content : {"", "[]", R"({"contexts": 1})", R"({"contexts": {"dev": null}})", R"({"half)"}) {
    dir_.write("contexts.json", content);
    ContextBook book(dir_ / "contexts.json");
    EXPECT_EQ(book.meet("dev", one, false, noon), Met::news) << content;
  }
}

}  // namespace
}  // namespace regsync
