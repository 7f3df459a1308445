// What a report says of targets and contexts; what it says of rows is the business of Standings.
#include "sync/engine/status_builder.hpp"

#include <gmock/gmock.h>

#include "tests/unit/sync/engine/engine_parts.hpp"

namespace regsync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class StatusBuilderTest : public EngineParts {
 protected:
  static WallTime now() { return WallTime() + std::chrono::hours(1000); }

  [[nodiscard]] EngineState state() const { return state_since(now()); }
  StatusReport report(const std::vector<std::string>& only = {}) {
    StatusReport made;
    visited_.clear();
    add_state(state(), ends_, now(), only, made, [this](const std::string& target, const std::string& context) {
      visited_.push_back(target + "@" + context);
    });
    return made;
  }
  std::vector<std::string> notes() {
    std::vector<std::string> texts;
    for (const Error& note : report().notes) {
      texts.push_back(note.message());
    }
    return texts;
  }
  void lose_file() {
    files_.clear();
    targets_.set(files_);
    mean();
  }
  void forget() {
    Footprint footprint = *store_.find("t");
    footprint.forgotten = true;
    store_.set("t", footprint);
    lose_file();
  }
  static std::vector<ErrorCode> codes(const std::vector<Error>& errors) {
    std::vector<ErrorCode> made;
    for (const Error& error : errors) {
      made.push_back(error.code());
    }
    return made;
  }

  std::map<RegistryKey, LoginEnd> ends_;
  std::vector<std::string> visited_;
};

TEST_F(StatusBuilderTest, EachTargetIsVisitedInTheContextsThatMatterToIt) {
  set_contexts({{"dev", "own"}, {"prod", "own"}});
  declare(target({"team"}, {"dev", "nowhere"}));
  remember("old", {"team"});
  const StatusReport made = report();
  ASSERT_THAT(made.targets, SizeIs(1));
  EXPECT_EQ(made.targets[0].secret, "cred");
  EXPECT_THAT(visited_, ElementsAre("t@dev", "t@nowhere", "t@old"));
  EXPECT_THAT(report({"other"}).targets, IsEmpty());
  EXPECT_THAT(visited_, IsEmpty());
}

TEST_F(StatusBuilderTest, ATargetThatCannotBeReadSaysWhy) {
  files_["t"] = {std::nullopt, Error(ErrorCode::invalid_input, "torn")};
  targets_.set(files_);
  mean();
  const StatusReport made = report();
  ASSERT_THAT(made.targets, SizeIs(1));
  EXPECT_THAT(codes(made.targets[0].problems), ElementsAre(ErrorCode::invalid_input));
}

TEST_F(StatusBuilderTest, AFileThatIsGoneIsAProblemUntilItsSecretsAreRemoved) {
  set_contexts({{"dev", "own"}});
  declare(target());
  remember("dev", {"team"});
  lose_file();
  StatusReport made = report();
  ASSERT_THAT(made.targets, SizeIs(1));
  EXPECT_EQ(made.targets[0].secret, "cred") << "as its footprint says";
  EXPECT_FALSE(made.targets[0].removing);
  EXPECT_THAT(codes(made.targets[0].problems), ElementsAre(ErrorCode::file_missing));
  forget();
  made = report();
  ASSERT_THAT(made.targets, SizeIs(1));
  EXPECT_TRUE(made.targets[0].removing);
  EXPECT_THAT(made.targets[0].problems, IsEmpty());
}

TEST_F(StatusBuilderTest, ARemovalIsDoneWhereOnlyContextsThatAreGoneAreLeft) {
  set_contexts({{"dev", "own"}});
  declare(target());
  remember("old", {"team"});
  forget();
  EXPECT_THAT(report().targets, IsEmpty());
  EXPECT_THAT(visited_, IsEmpty());
  EXPECT_THAT(notes(), ElementsAre("context old is not in the kubeconfig any more, and Secrets may be left there"));
}

TEST_F(StatusBuilderTest, AContextOfAFleetIsGoneFromTheFleet) {
  set_fleet({});
  declare(target({"team"}, {"dev"}));
  remember("old", {"team"});
  EXPECT_THAT(notes(), ElementsAre("context old is not in the fleet any more, and Secrets may be left there"));
  EXPECT_EQ(contexts_.vanished("dev").message(), "context dev is not in the fleet (the hub)");
}

TEST_F(StatusBuilderTest, ContextsThatAreGoneAreOneNoteHoweverMany) {
  set_contexts({{"dev", "own"}});
  declare(target());
  for (const char* context : {"o1", "o2", "o3", "o4", "o5"}) {
    remember(context, {"team"});
  }
  EXPECT_THAT(notes(), ElementsAre("5 contexts are not in the kubeconfig any more, and Secrets may be left there: o1, "
                                   "o2, o3 and 2 more"));
  declare(target({"team"}, {"o1", "dev"}));
  EXPECT_THAT(notes(), ElementsAre("4 contexts are not in the kubeconfig any more, and Secrets may be left there: o2, "
                                   "o3, o4 and 1 more"))
      << "a target names the first one, and wants it back";
}

TEST_F(StatusBuilderTest, APatternThatMatchesNothingIsNoted) {
  set_contexts({{"dev", "own"}});
  declare(target({"team"}, {"dev", "prod-*"}));
  EXPECT_THAT(notes(), ElementsAre("target t: no context matches \"prod-*\" now"));
  Target by_label = target({"team"}, {"dev"});
  by_label.context_selector = LabelSelector::parse("tier=edge");
  declare(by_label);
  EXPECT_THAT(notes(), ElementsAre("target t: no context has labels that match \"tier=edge\" now"));
}

TEST_F(StatusBuilderTest, WhichClustersAFleetHasIsSeenInTheHub) {
  set_fleet({});
  declare(target({"team"}, {"prod/*"}));
  EXPECT_THAT(report().notes, ElementsAre(testing::Property(&Error::remedy, "see the hub")));
}

TEST_F(StatusBuilderTest, WhatIsPausedIsNoted) {
  set_contexts({{"dev", "own"}, {"prod", "own"}});
  Target paused = target({"team"}, {"dev"});
  paused.paused = true;
  declare(paused);
  paused_.set("dev", true);
  paused_.set("prod", true);
  EXPECT_THAT(notes(), ElementsAre("target t is paused", "context dev is paused")) << "prod concerns nobody";
  EXPECT_TRUE(report().targets[0].paused);
  ASSERT_THAT(report().contexts, SizeIs(1));
  EXPECT_TRUE(report().contexts[0].paused);
}

TEST_F(StatusBuilderTest, ATargetThatStaysInAnotherNamespaceThanTheContextsOwnIsNoted) {
  set_contexts({{"dev", "first"}});
  declare(target({}));
  footprints_.remember(intent_.wanted());
  EXPECT_THAT(notes(), IsEmpty());
  set_contexts({{"dev", "second"}});
  mean();
  EXPECT_THAT(notes(),
              ElementsAre("target t stays in namespace first of context dev, whose current namespace is second "
                          "now"));
}

TEST_F(StatusBuilderTest, AContextThatLeadsElsewhereIsNotedForADay) {
  set_contexts({{"dev", "own"}});
  declare(target());
  const auto lead_to = [&](const std::string& uid, WallTime time) {
    book_.meet("dev", {.uid = uid, .server = "https://dev", .authorities = {}}, false, time);
  };
  lead_to("1", now() - std::chrono::hours(48));
  lead_to("2", now() - std::chrono::hours(25));
  EXPECT_THAT(notes(), IsEmpty());
  lead_to("3", now() - std::chrono::hours(23));
  EXPECT_THAT(
      notes(),
      ElementsAre("context dev leads to another cluster than before; what it has in the former one stays as it is"));
  book_.trust("dev");
  EXPECT_THAT(notes(), IsEmpty());
}

TEST_F(StatusBuilderTest, AnAdviceCanBePastedIntoAShellWhateverTheContextIsCalled) {
  declare(target({"team"}, {"my prod"}));
  paused_.set("my prod", true);
  remember("$(reboot)", {"team"});
  std::vector<std::string> remedies;
  for (const Error& note : report().notes) {
    remedies.push_back(note.remedy());
  }
  EXPECT_THAT(remedies, ElementsAre("if the cluster is gone too: regsync forget-context '$(reboot)'",
                                    "to go on: regsync resume --context 'my prod'"));
  EXPECT_EQ(context_held("my prod", book_).remedy(), "if that is as it should be: regsync trust-context 'my prod'");
  const ClusterIdentity known{.uid = "1", .server = "https://dev", .authorities = {}};
  book_.meet("my prod", known, true, now());
  book_.meet("my prod", {.uid = "", .server = known.server, .authorities = {}}, true, now());
  EXPECT_THAT(context_held("my prod", book_).message(), testing::HasSubstr("kube-system"));
  EXPECT_THAT(context_held("my prod", book_).remedy(), testing::HasSubstr("regsync trust-context 'my prod'"));
}

TEST_F(StatusBuilderTest, AFootprintThatCannotBeReadIsNoted) {
  set_contexts({{"dev", "own"}});
  declare(target());
  unreadable_.emplace("t", unreadable_footprint("t.json"));
  unreadable_.emplace("other", unreadable_footprint("other.json"));
  EXPECT_THAT(report().notes, SizeIs(2));
  EXPECT_THAT(report({"t"}).notes, SizeIs(1));
}

TEST_F(StatusBuilderTest, ATargetEndsWithTheFirstOfItsLogins) {
  Target two = target();
  two.registries = {"ghcr.io/team", "quay.io"};
  declare(two);
  EXPECT_FALSE(report().targets[0].expires);
  ends_[RegistryKey("ghcr.io")].at = now() + std::chrono::hours(5);
  ends_[RegistryKey("quay.io")].at = now() + std::chrono::hours(9);
  EXPECT_EQ(report().targets[0].expires, now() + std::chrono::hours(5)) << "that of the host serves its paths";
  ends_[RegistryKey("ghcr.io/team")].at = now() + std::chrono::hours(7);
  EXPECT_EQ(report().targets[0].expires, now() + std::chrono::hours(7));
}

TEST_F(StatusBuilderTest, RowsOfAContextSayWhyThereAreNone) {
  set_contexts({{"dev", "own"}});
  declare(target({"team"}, {"dev", "nowhere"}));
  const auto missing = rows_of(state(), "t", "nowhere");
  ASSERT_THAT(missing.rows, SizeIs(1));
  EXPECT_EQ(missing.rows[0].state, SyncState::stuck);
  EXPECT_EQ(missing.rows[0].cause, contexts_.vanished("nowhere"));
  EXPECT_THAT(rows_of(state(), "t", "elsewhere").rows, IsEmpty()) << "no target names it plainly";
  paused_.set("nowhere", true);
  EXPECT_EQ(rows_of(state(), "t", "nowhere").rows[0].state, SyncState::paused);
}

TEST_F(StatusBuilderTest, WhereANamespaceIsNotCertainTheContextIsPending) {
  set_young_contexts({{"dev", "own"}});
  declare(target({}));
  const auto undecided = rows_of(state(), "t", "dev");
  ASSERT_THAT(undecided.rows, SizeIs(1));
  EXPECT_EQ(undecided.rows[0].state, SyncState::pending);
  EXPECT_EQ(undecided.rows[0].cause->code(), ErrorCode::invalid_input);
}

}  // namespace
}  // namespace regsync
