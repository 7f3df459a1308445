#include "sync/model/desired_state.hpp"

#include <gtest/gtest.h>

#include "sync/base/base64.hpp"

namespace regsync {
namespace {

Target make_target(const std::string& name) {
  Target target;
  target.name = name;
  target.secret = "cred";
  target.registries = {"ghcr.io"};
  target.contexts = {"dev"};
  target.namespaces = {"team-a", "dev-*"};
  return target;
}

KnownLogins one_login(const std::string& server, std::string_view secret = "p") {
  KnownLogins logins;
  const RegistryKey key(server);
  logins.asked = {key};
  logins.credentials[key] = std::make_shared<const Credential>(Credential{{server, "u"}, SecretString(secret)});
  return logins;
}

KnownLogins no_logins(const std::string& asked) {
  KnownLogins logins;
  logins.asked = {RegistryKey(asked)};
  return logins;
}

DesiredState::Targets wanted(const std::string& target) {
  return std::make_shared<const std::vector<Target>>(std::vector{make_target(target)});
}

class DecideTest : public testing::Test {
 protected:
  explicit DecideTest() { build(make_target("t"), one_login("ghcr.io")); }

  void build(const Target& target, const KnownLogins& logins) {
    plan_ = std::make_shared<const Plan>(make_plan(target, logins));
    desired_ = std::make_unique<DesiredState>(DesiredState::Inputs{
        .plans = {{target.name, plan_}}, .deletion = {.known_targets = {target.name}, .forgotten = {"gone"}}});
  }

  [[nodiscard]] SecretView in_place() const {
    SecretView view;
    view.target = "t";
    view.digest = plan_->payload ? plan_->payload->digest() : Digest{};
    view.ownership = Ownership::ours;
    view.right_type = true;
    view.uid = "uid";
    return view;
  }

  [[nodiscard]] Decision decide(const SecretView* secret, const std::string& name_space = "team-a",
                                bool adopt = false) const {
    Facts facts;
    facts.secret = secret;
    facts.adopt = adopt ? "uid" : "";
    return desired_->decide({name_space, "cred"}, facts);
  }

  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<DesiredState> desired_;
};

TEST(MakePlan, AnAccountHasItsOwnLoginAndTheEntryOfItsRegistry) {
  Target target = make_target("t");
  target.registries = {"work@ghcr.io/acme"};
  EXPECT_EQ(wanted_registries(target),
            (std::set<RegistryKey>{RegistryKey("work@ghcr.io/acme"), RegistryKey("work@ghcr.io")}));
  const Plan plan = make_plan(target, one_login("work@ghcr.io"));
  ASSERT_EQ(plan.entries.size(), 1U);
  EXPECT_EQ(plan.entries.front().first, "ghcr.io/acme");

  KnownLogins others = one_login("ghcr.io");
  others.asked = wanted_registries(target);
  const Plan without = make_plan(target, others);
  EXPECT_TRUE(without.entries.empty()) << "another account's login is not used";
  ASSERT_EQ(without.problems.size(), 1U);
  EXPECT_EQ(without.problems.front().remedy(), "run `regsync login --account work ghcr.io/acme`");
}

TEST(MakePlan, ARegistryThatIsWrittenWithThePort443KeepsItInItsEntry) {
  Target target = make_target("t");
  target.registries = {"ghcr.io:443", "ghcr.io"};
  const Plan plan = make_plan(target, one_login("ghcr.io:443"));
  ASSERT_EQ(plan.entries.size(), 2U);
  EXPECT_EQ(plan.entries[0].first, "ghcr.io:443");
  EXPECT_EQ(plan.entries[1].first, "ghcr.io");
  EXPECT_EQ(plan.entries[0].second, plan.entries[1].second);
}

TEST(MakePlan, AnEntryWithThePort443IsCarriedOver) {
  Target target = make_target("t");
  target.registries = {"ghcr.io:443/acme", "quay.io:443"};
  const PullEntries entries =
      make_plan(target, KnownLogins())
          .entries_over(
              R"({"auths":{"ghcr.io:443":{"auth":"YTpi"},"quay.io":{"auth":"YTpi"},"quay.io:443":{"auth":"YzpkCg=="}}})");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries.at("ghcr.io:443").username, "a") << "that of the host serves the path";
  EXPECT_EQ(entries.at("quay.io:443").username, "c");
}

// The login of the path is gone, and that of the host, which another helper has, is not known yet.
TEST(MakePlan, WaitsForALoginOfTheHostBeforeOneOfThePathCountsAsMissing) {
  Target target = make_target("t");
  target.registries = {"pkg.dev/p"};
  target.on_logout = OnLogout::remove;
  KnownLogins logins = no_logins("pkg.dev/p");
  logins.gone = {RegistryKey("pkg.dev/p")};
  logins.awaited[RegistryKey("pkg.dev")] = "docker-credential-gcloud";
  const Plan before = make_plan(target, logins);
  EXPECT_FALSE(before.remove);
  EXPECT_TRUE(before.waiting);
  EXPECT_TRUE(before.problems.empty());
  ASSERT_TRUE(before.awaits);
  EXPECT_NE(before.awaits->message().find("docker-credential-gcloud has not answered"), std::string::npos);
  EXPECT_TRUE(before.carried_over.contains("pkg.dev/p"));
  logins.asked.insert(RegistryKey("pkg.dev"));
  EXPECT_TRUE(make_plan(target, logins).remove);
}

TEST_F(DecideTest, CreatesWhatIsMissing) { EXPECT_EQ(decide(nullptr).action, Action::create); }

TEST_F(DecideTest, NothingIsWrittenDeletedOrTakenOverForAPausedTarget) {
  Target target = make_target("t");
  target.paused = true;
  build(target, one_login("ghcr.io"));
  auto outdated = in_place();
  outdated.digest[0] ^= 1U;
  for (const SecretView* secret :
       {static_cast<const SecretView*>(nullptr), static_cast<const SecretView*>(&outdated)}) {
    EXPECT_EQ(decide(secret).action, Action::nothing);
    EXPECT_EQ(decide(secret).state, SyncState::paused);
  }
  auto foreign = in_place();
  foreign.ownership = Ownership::unmanaged;
  EXPECT_EQ(decide(&foreign, "team-a", true).action, Action::nothing) << "not even with --adopt";

  // Another target that claims the same Secret takes it over from a paused one only after the pause.
  const auto other = std::make_shared<const Plan>(make_plan(make_target("a"), one_login("ghcr.io")));
  desired_ = std::make_unique<DesiredState>(
      DesiredState::Inputs{.plans = {{"a", other}, {"t", plan_}}, .deletion = {.known_targets = {"a"}}});
  const auto ours = in_place();
  EXPECT_EQ(decide(&ours).action, Action::nothing);
  EXPECT_EQ(decide(&ours).state, SyncState::paused);
}

TEST_F(DecideTest, LeavesWhatIsRight) {
  const auto view = in_place();
  const auto decision = decide(&view);
  EXPECT_EQ(decision.action, Action::nothing);
  EXPECT_EQ(decision.state, SyncState::in_sync);
}

TEST_F(DecideTest, UpdatesWhatDrifted) {
  auto view = in_place();
  view.digest[0] ^= 1U;
  EXPECT_EQ(decide(&view).action, Action::update);
  view = in_place();
  view.target = "renamed";
  EXPECT_EQ(decide(&view).action, Action::update);
}

TEST_F(DecideTest, TouchesNothingOfOthersUntilAdopted) {
  for (const auto ownership : {Ownership::unmanaged, Ownership::other_owner}) {
    auto view = in_place();
    view.ownership = ownership;
    auto decision = decide(&view);
    EXPECT_EQ(decision.action, Action::nothing);
    EXPECT_EQ(decision.state, SyncState::stuck);
    EXPECT_EQ(decision.cause->code(), ErrorCode::not_owned);
    EXPECT_NE(decision.cause->remedy().find("--adopt"), std::string::npos);
    EXPECT_EQ(decide(&view, "team-a", true).action, Action::adopt);
  }
}

TEST_F(DecideTest, OnlyTheObjectThatAPersonMeantIsAdopted) {
  auto view = in_place();
  view.ownership = Ownership::unmanaged;
  view.uid = "made since";
  EXPECT_EQ(decide(&view, "team-a", true).cause->code(), ErrorCode::not_owned);
  view.uid.clear();
  EXPECT_EQ(decide(&view).cause->code(), ErrorCode::not_owned);
}

TEST_F(DecideTest, WhoHasNothingToWriteIsNotToldToTakeASecretOver) {
  KnownLogins none;
  none.asked = {RegistryKey("ghcr.io")};
  build(make_target("t"), none);
  auto view = in_place();
  view.ownership = Ownership::unmanaged;
  EXPECT_EQ(decide(&view).cause->code(), ErrorCode::login_missing);
  view.right_type = false;
  EXPECT_EQ(decide(&view).cause->code(), ErrorCode::immutable);
}

TEST_F(DecideTest, AWrongTypeOrImmutableIsStuckWithARemedy) {
  auto view = in_place();
  view.ownership = Ownership::unmanaged;
  view.right_type = false;
  EXPECT_EQ(decide(&view, "team-a", true).cause->code(), ErrorCode::immutable);
  EXPECT_NE(decide(&view).cause->remedy().find("regsync set t secret=OTHER"), std::string::npos);
  view = in_place();
  view.immutable = true;
  EXPECT_EQ(decide(&view).state, SyncState::in_sync);  // right as it is
  view.digest[0] ^= 1U;
  const auto decision = decide(&view);
  EXPECT_EQ(decision.action, Action::nothing);
  EXPECT_EQ(decision.cause->code(), ErrorCode::immutable);
}

TEST_F(DecideTest, AnImmutableSecretThatHoldsWhatIsWantedPassesToAnotherTarget) {
  auto view = in_place();
  view.immutable = true;
  view.target = "renamed";
  EXPECT_EQ(decide(&view).action, Action::update);
  view.ownership = Ownership::unplaced;
  view.target = "t";
  EXPECT_EQ(decide(&view).action, Action::update);
  view.ownership = Ownership::unmanaged;
  EXPECT_EQ(decide(&view, "team-a", true).action, Action::adopt);
}

TEST_F(DecideTest, RemovesOwnSecretsOfAKnownOrForgottenTargetThatNobodyClaims) {
  auto view = in_place();
  EXPECT_EQ(decide(&view, "elsewhere").action, Action::remove);
  view.target = "gone";
  EXPECT_EQ(decide(&view, "elsewhere").action, Action::remove);
}

TEST_F(DecideTest, ReleasesOwnSecretsThatAPersonKeepsUnlessAnotherTargetClaimsThem) {
  auto view = in_place();
  view.target = "kept";
  const DesiredState desired(
      {.plans = {{"t", plan_}}, .deletion = {.known_targets = {"t"}, .forgotten = {"kept"}, .kept = {"kept"}}});
  Facts facts;
  facts.secret = &view;
  EXPECT_EQ(desired.decide({"elsewhere", "cred"}, facts).action, Action::release);
  EXPECT_EQ(desired.decide({"team-a", "cred"}, facts).action, Action::update);
}

TEST_F(DecideTest, NobodyWritesWhatASelectorOfAnEarlierTargetMayClaim) {
  auto earlier = make_target("a");
  earlier.namespaces.clear();
  earlier.namespace_selector = LabelSelector::parse("env=prod");
  const auto earlier_plan = std::make_shared<const Plan>(make_plan(earlier, one_login("ghcr.io")));
  const DesiredState desired({.plans = {{"a", earlier_plan}, {"t", plan_}}, .deletion = {.known_targets = {"a", "t"}}});
  Facts facts;
  EXPECT_EQ(desired.decide({"team-a", "cred"}, facts).action, Action::nothing) << "its labels are not known";
  NamespaceView view;
  facts.name_space = &view;
  EXPECT_EQ(desired.decide({"team-a", "cred"}, facts).plan, plan_.get());
  view.labels = {{"env", "prod"}};
  EXPECT_EQ(desired.decide({"team-a", "cred"}, facts).plan, earlier_plan.get());
  facts.name_space = nullptr;
  facts.namespaces_complete = true;
  EXPECT_EQ(desired.decide({"team-a", "cred"}, facts).cause->code(), ErrorCode::namespace_missing);
}

TEST_F(DecideTest, KeepsOwnSecretsOfATargetWhoseFileVanished) {
  auto view = in_place();
  view.target = "vanished";
  EXPECT_EQ(decide(&view, "elsewhere").action, Action::nothing);
}

TEST_F(DecideTest, NeverRemovesWhatIsNotOurs) {
  auto view = in_place();
  view.ownership = Ownership::other_owner;
  EXPECT_EQ(decide(&view, "elsewhere").action, Action::nothing);
  view.ownership = Ownership::unmanaged;
  EXPECT_EQ(decide(&view, "elsewhere").action, Action::nothing);
}

TEST_F(DecideTest, ACopyIsNeitherRemovedNorUpdated) {
  auto view = in_place();
  view.ownership = Ownership::copy;
  view.holder = "team-a/cred";
  EXPECT_EQ(decide(&view, "elsewhere").action, Action::nothing);
  view.digest = {};
  const auto decision = decide(&view);
  EXPECT_EQ(decision.action, Action::nothing);
  EXPECT_EQ(decision.cause->code(), ErrorCode::not_owned);
  EXPECT_NE(decision.cause->message().find("copy of team-a/cred"), std::string::npos);
  EXPECT_EQ(decide(&view, "team-a", /*adopt=*/true).action, Action::adopt);
}

TEST_F(DecideTest, ASecretOfBeforeThePlaceIsUpgradedWhereItIsWantedAndRemovedOnlyWhereAFootprintProvesIt) {
  auto view = in_place();
  view.ownership = Ownership::unplaced;
  view.holder = "kubectl-client-side-apply";
  EXPECT_EQ(decide(&view).action, Action::update);
  EXPECT_EQ(decide(&view).why, Why::unplaced);
  Facts facts;
  facts.secret = &view;
  const Key elsewhere{"elsewhere", "cred"};
  EXPECT_EQ(desired_->decide(elsewhere, facts).action, Action::nothing) << "no footprint covers the place";
  facts.remembered = true;
  EXPECT_EQ(desired_->decide(elsewhere, facts).action, Action::nothing) << "somebody else wrote it: a copy";
  view.holder = "regsync";
  EXPECT_EQ(desired_->decide(elsewhere, facts).action, Action::remove);
  facts.remembered = false;
  EXPECT_EQ(desired_->decide(elsewhere, facts).action, Action::nothing);
}

TEST_F(DecideTest, ANamespaceThatIsNotListedWhileASecretInItIsSeenIsUnknown) {
  auto target = make_target("t");
  target.namespaces = {};
  target.namespace_selector = LabelSelector::parse("env=prod");
  build(target, one_login("ghcr.io"));
  const auto view = in_place();
  Facts facts;
  facts.namespaces_complete = true;
  facts.secret = &view;
  EXPECT_EQ(desired_->decide({"team-a", "cred"}, facts).action, Action::nothing);
  const NamespaceView unlabelled;
  facts.name_space = &unlabelled;
  EXPECT_EQ(desired_->decide({"team-a", "cred"}, facts).action, Action::remove) << "its own labels say so";
  EXPECT_EQ(desired_->decide({"team-a", "cred"}, facts).why, Why::unlabelled);
}

TEST_F(DecideTest, WhatLabelsNoLongerSelectStaysUntilTheyAreSettled) {
  Target target = make_target("t");
  target.namespaces.clear();
  target.namespace_selector = LabelSelector::parse("env=prod");
  build(target, one_login("ghcr.io"));
  const auto view = in_place();
  const NamespaceView unlabelled;
  Facts facts;
  facts.secret = &view;
  facts.name_space = &unlabelled;
  facts.labels_settled = false;
  const Key key{"team-a", "cred"};
  EXPECT_TRUE(desired_->decide(key, facts).awaits_labels());
  EXPECT_EQ(desired_->decide(key, facts).state, SyncState::removing);
  EXPECT_FALSE(desired_->decide(key, facts).awaits_successor());

  const auto targets = std::make_shared<const std::vector<Target>>(std::vector{target});
  const DesiredState through_another(
      {.deletion = {.known_targets = {"t"}}, .siblings = {{.context = "other", .targets = targets}}});
  EXPECT_TRUE(through_another.decide(key, facts).awaits_labels());

  target.exclude_namespaces = {"team-a"};
  build(target, one_login("ghcr.io"));
  EXPECT_EQ(desired_->decide(key, facts).why, Why::not_covered) << "its own words";
}

TEST_F(DecideTest, WhatSomebodyDeletedIsNotInSyncThoughItIsStillThere) {
  auto view = in_place();
  view.terminating = true;
  view.finalizers = "example.com/hold";
  EXPECT_EQ(decide(&view).state, SyncState::stuck);
  EXPECT_NE(decide(&view).cause->message().find("held back by the finalizer example.com/hold"), std::string::npos);
  view.digest = {};
  EXPECT_EQ(decide(&view).action, Action::update) << "pods pull with it";
}

TEST_F(DecideTest, WhatATargetHasUnderAnotherNameStaysUntilTheNewOneIsInSync) {
  const auto view = in_place();
  Facts facts;
  facts.secret = &view;
  EXPECT_FALSE(desired_->successor_of({"team-a", "cred"}, facts)) << "it is wanted";
  const Key old{"team-a", "old"};
  EXPECT_EQ(desired_->successor_of(old, facts), (Key{"team-a", "cred"}));
  EXPECT_FALSE(desired_->successor_of({"elsewhere", "old"}, facts)) << "the target wants none there";
  EXPECT_EQ(desired_->decide(old, facts).action, Action::remove);
  facts.awaits_successor = true;
  const auto decision = desired_->decide(old, facts);
  EXPECT_EQ(decision.action, Action::nothing);
  EXPECT_EQ(decision.state, SyncState::removing);
  EXPECT_NE(decision.cause->message().find("kept until Secret cred"), std::string::npos);
  EXPECT_TRUE(decision.awaits_successor());
  EXPECT_TRUE(decision.keeps_accounts());
  auto view_of_gone = view;
  view_of_gone.target = "gone";
  facts.secret = &view_of_gone;
  EXPECT_FALSE(desired_->successor_of(old, facts));
  facts.secret = nullptr;
  EXPECT_FALSE(desired_->successor_of(old, facts));
}

TEST_F(DecideTest, WhatATargetHasUnderAnotherNameIsKeptCurrentWhereThatCanBeDone) {
  auto view = in_place();
  view.digest = {};
  Facts facts;
  facts.secret = &view;
  facts.awaits_successor = true;
  const Key old{"team-a", "old"};
  const auto decide_old = [&] {
    auto decision = desired_->decide(old, facts);
    EXPECT_EQ(decision.state, SyncState::removing);
    EXPECT_TRUE(decision.awaits_successor());
    return decision;
  };
  EXPECT_EQ(decide_old().action, Action::update);
  EXPECT_EQ(decide_old().why, Why::outdated);
  EXPECT_EQ(decide_old().plan, plan_.get());
  view.immutable = true;
  EXPECT_EQ(decide_old().action, Action::nothing);
  view.immutable = false;
  NamespaceView ending;
  ending.terminating = true;
  facts.name_space = &ending;
  EXPECT_EQ(decide_old().action, Action::nothing);
  EXPECT_FALSE(decide_old().keeps_accounts());
  facts.name_space = nullptr;
  build(make_target("t"), KnownLogins());
  EXPECT_EQ(decide_old().action, Action::nothing) << "there is nothing to be written yet";
}

// Elsewhere another machine with the same owner may want it, or this one before its footprint was lost.
TEST_F(DecideTest, ATargetThatIsBoundToANamespaceGivesUpOnlyWhereItIsKnownToHaveBeen) {
  const auto view = in_place();
  const auto action_in = [&](const std::string& name_space, const std::set<std::string>& known) {
    Places places;
    places.secrets["cred"].namespaces = known;
    const DesiredState desired(
        {.plans = {{"t", plan_}}, .deletion = {.known_targets = {"t"}, .bound = {{"t", places}}}});
    Facts facts;
    facts.secret = &view;
    facts.remembered = true;  // of another target, with a Secret of the same name
    return desired.decide({name_space, "cred"}, facts).action;
  };
  EXPECT_EQ(action_in("elsewhere", {"team-a"}), Action::nothing);
  EXPECT_EQ(action_in("elsewhere", {"team-a", "elsewhere"}), Action::remove);
}

TEST_F(DecideTest, SaysWhy) {
  auto view = in_place();
  EXPECT_EQ(decide(nullptr).why, Why::missing);
  EXPECT_EQ(decide(&view).why, Why::nothing);
  EXPECT_EQ(decide(&view, "elsewhere").why, Why::not_covered);
  view.digest = {};
  EXPECT_EQ(decide(&view).why, Why::outdated);
  Facts facts;
  facts.secret = &view;
  facts.written = plan_->payload->id();
  EXPECT_EQ(desired_->decide({"team-a", "cred"}, facts).why, Why::drifted);
  view.target = "gone";
  EXPECT_EQ(decide(&view, "elsewhere").why, Why::target_removed);
}

TEST_F(DecideTest, ALabelThatSomebodyChangedIsNamed) {
  auto view = in_place();
  view.ownership = Ownership::relabelled;
  view.holder = "Helm";
  const auto decision = decide(&view);
  EXPECT_EQ(decision.cause->code(), ErrorCode::not_owned);
  EXPECT_NE(decision.cause->message().find("managed-by is now \"Helm\""), std::string::npos);
}

TEST_F(DecideTest, AnUnreadStoreHoldsEverythingAsItIs) {
  const auto view = in_place();
  build(make_target("t"), KnownLogins());
  for (const SecretView* secret : {&view, static_cast<const SecretView*>(nullptr)}) {
    const auto decision = decide(secret);
    EXPECT_EQ(decision.action, Action::nothing);
    EXPECT_EQ(decision.state, SyncState::pending);
  }
}

TEST_F(DecideTest, ALogoutKeepsTheSecretByDefaultAndRemovesItOnRequest) {
  const auto view = in_place();
  auto target = make_target("t");
  build(target, no_logins("ghcr.io"));
  auto decision = decide(&view);
  EXPECT_EQ(decision.action, Action::nothing);
  EXPECT_EQ(decision.state, SyncState::stuck);
  EXPECT_EQ(decision.cause->code(), ErrorCode::login_missing);
  target.on_logout = OnLogout::remove;
  build(target, no_logins("ghcr.io"));
  EXPECT_EQ(decide(&view).action, Action::nothing);  // nobody knows that there ever was one
  auto gone = no_logins("ghcr.io");
  gone.gone = gone.asked;
  build(target, gone);
  EXPECT_EQ(decide(&view).action, Action::remove);
  EXPECT_EQ(decide(nullptr).action, Action::nothing);
}

TEST_F(DecideTest, OfTwoTargetsWithOneSecretTheOneThatHasItKeepsIt) {
  const auto plan = [](const std::string& name) {
    return std::make_shared<const Plan>(make_plan(make_target(name), one_login("ghcr.io")));
  };
  const DesiredState both({.plans = {{"a", plan("a")}, {"b", plan("b")}}, .deletion = {.known_targets = {"a", "b"}}});
  const Key key{"team-a", "cred"};
  const auto claimant = [&](const SecretView* secret) {
    Facts facts;
    facts.secret = secret;
    return both.claim(key, facts).plan->target.name;
  };
  EXPECT_EQ(claimant(nullptr), "a") << "the first by name, where there is nothing yet";
  auto view = in_place();
  view.target = "b";
  EXPECT_EQ(claimant(&view), "b");
  view.ownership = Ownership::other_owner;
  EXPECT_EQ(claimant(&view), "a") << "what is not ours counts for nobody";
}

TEST_F(DecideTest, NobodyTakesASecretFromATargetThatMayStillWantIt) {
  const auto plan = std::make_shared<const Plan>(make_plan(make_target("b"), one_login("ghcr.io")));
  const Key key{"team-a", "cred"};
  auto view = in_place();
  view.target = "a";
  Facts facts;
  facts.secret = &view;
  const DesiredState uncertain({.plans = {{"b", plan}}, .deletion = {.known_targets = {"b"}, .uncertain = {"a"}}});
  EXPECT_TRUE(uncertain.claim(key, facts).unknown);
  EXPECT_EQ(uncertain.claim(key, facts).holder, "a");
  EXPECT_EQ(uncertain.decide(key, facts).action, Action::nothing);
  const DesiredState certain({.plans = {{"b", plan}}, .deletion = {.known_targets = {"a", "b"}}});
  EXPECT_EQ(certain.decide(key, facts).action, Action::update);
  EXPECT_EQ(certain.secrets_that_differ_from(uncertain), std::nullopt);
  view.ownership = Ownership::copy;
  EXPECT_EQ(uncertain.decide(key, facts).state, SyncState::stuck) << "what is not ours counts for nobody";
}

TEST_F(DecideTest, ATargetThatRemovesOnLogoutLeavesTheSecretToOneThatWantsIt) {
  auto leaving = make_plan(make_target("a"), one_login("ghcr.io"));
  leaving.remove = true;
  const auto first = std::make_shared<const Plan>(leaving);
  const auto second = std::make_shared<const Plan>(make_plan(make_target("b"), one_login("ghcr.io")));
  const Key key{"team-a", "cred"};
  auto view = in_place();
  view.target = "a";
  Facts facts;
  facts.secret = &view;
  const DesiredState both({.plans = {{"a", first}, {"b", second}}, .deletion = {.known_targets = {"a", "b"}}});
  EXPECT_EQ(both.claim(key, facts).plan, second.get());
  EXPECT_EQ(both.claim(key, facts).refusal_of(*first), std::nullopt);
  EXPECT_EQ(both.decide(key, facts).action, Action::update);
  const DesiredState alone({.plans = {{"a", first}}, .deletion = {.known_targets = {"a"}}});
  EXPECT_EQ(alone.decide(key, facts).action, Action::remove);
  const DesiredState elsewhere({.plans = {{"a", first}},
                                .deletion = {.known_targets = {"a"}},
                                .siblings = {{.context = "other", .targets = wanted("b")}}});
  EXPECT_EQ(elsewhere.decide(key, facts).action, Action::nothing);
}

TEST_F(DecideTest, AMissingOrTerminatingNamespaceIsParked) {
  NamespaceView terminating;
  terminating.terminating = true;
  Facts facts;
  facts.name_space = &terminating;
  facts.namespaces_complete = true;
  EXPECT_EQ(desired_->decide({"team-a", "cred"}, facts).state, SyncState::terminating);
  facts.name_space = nullptr;
  EXPECT_EQ(desired_->decide({"team-a", "cred"}, facts).cause->code(), ErrorCode::namespace_missing);
  EXPECT_FALSE(desired_->decide({"dev-1", "cred"}, facts).cause);  // selected by a pattern: not even missed
  facts.namespaces_complete = false;                               // not known: the API server will say
  EXPECT_EQ(desired_->decide({"team-a", "cred"}, facts).action, Action::create);
}

TEST(SecretsThatDiffer, AreThoseOfThePlansThatChanged) {
  const auto plan = [](const std::string& secret) {
    auto target = make_target("t");
    target.secret = secret;
    return std::make_shared<const Plan>(make_plan(target, one_login("ghcr.io")));
  };
  const auto a = plan("a");
  const auto b = plan("b");
  const auto desired = [](const DesiredState::Plans& plans, std::vector<DesiredState::Sibling> siblings = {}) {
    return DesiredState({.plans = plans, .deletion = {.known_targets = {"t1", "t2"}}, .siblings = std::move(siblings)});
  };
  const DesiredState before = desired({{"t1", a}, {"t2", b}});
  using Names = std::set<std::string>;
  EXPECT_EQ(desired({{"t1", a}, {"t2", b}}).secrets_that_differ_from(before), Names());
  EXPECT_EQ(desired({{"t1", a}, {"t2", plan("b")}}).secrets_that_differ_from(before), Names{"b"});
  EXPECT_EQ(desired({{"t1", plan("c")}, {"t2", b}}).secrets_that_differ_from(before), (Names{"a", "c"}));
  EXPECT_EQ(desired({{"t1", a}}).secrets_that_differ_from(before), Names{"b"});
  EXPECT_EQ(DesiredState({.plans = {{"t1", a}}, .deletion = {.known_targets = {"t1"}, .forgotten = {"t2"}}})
                .secrets_that_differ_from(before),
            std::nullopt)
      << "what nobody claims may be decided otherwise, under whatever name";
  EXPECT_EQ(
      desired({{"t1", a}, {"t2", b}}, {{.context = "other", .targets = wanted("t1")}}).secrets_that_differ_from(before),
      std::nullopt)
      << "what is wanted through another context may be under whatever name";
}

TEST(DesiredStateWith, OtherPlansDecidesByThemAndLeavesTheRest) {
  const auto plan = [](std::string_view password) {
    return std::make_shared<const Plan>(make_plan(make_target("t1"), one_login("ghcr.io", password)));
  };
  const DeletionScope deletion{.known_targets = {"t1"}, .forgotten = {"gone"}};
  const DesiredState before({.plans = {{"t1", plan("old")}}, .deletion = deletion});
  const auto now = plan("new");
  const DesiredState after = before.with(std::make_shared<const DesiredState::Plans>(DesiredState::Plans{{"t1", now}}));
  EXPECT_EQ(after.plans().at("t1"), now);
  EXPECT_EQ(after.secrets_that_differ_from(before), std::set<std::string>{"cred"});
  EXPECT_EQ(after.decide({"team-a", "cred"}, {}).plan, now.get());
  EXPECT_TRUE(after.knows("gone"));
  EXPECT_FALSE(after == before);
  EXPECT_TRUE(after == DesiredState({.plans = {{"t1", now}}, .deletion = deletion}));
}

TEST(DesiredStateShare, WhatIsEqualIsKeptOnce) {
  const auto plan = std::make_shared<const Plan>(make_plan(make_target("t1"), one_login("ghcr.io")));
  const DesiredState one({.plans = {{"t1", plan}}, .deletion = {.known_targets = {"t1"}}});
  DesiredState other({.default_namespace = "team-a", .plans = {{"t1", plan}}, .deletion = {.known_targets = {"t1"}}});
  DesiredState differs({.default_namespace = "team-a", .deletion = {.known_targets = {"t1"}}});
  other.share_with(one);
  differs.share_with(one);
  EXPECT_EQ(other.shared_plans(), one.shared_plans());
  EXPECT_EQ(other.default_namespace(), "team-a");
  EXPECT_TRUE(differs.plans().empty());
}

TEST(SameLogins, AreThoseOfWhichMakePlanMakesTheSame) {
  const auto target = make_target("t");
  const auto known = one_login("ghcr.io");
  auto other = known;
  other.credentials[RegistryKey("quay.io")] = known.credentials.begin()->second;
  EXPECT_TRUE(same_logins(target, known, other)) << "of a registry that the target does not name";
  EXPECT_FALSE(same_logins(target, known, one_login("ghcr.io", "new")));
  EXPECT_FALSE(same_logins(target, known, no_logins("ghcr.io")));
  other = known;
  other.problems.emplace(RegistryKey("ghcr.io"), Error(ErrorCode::unusable_login, "denied"));
  EXPECT_FALSE(same_logins(target, known, other));
  other = known;
  other.asked.clear();
  EXPECT_FALSE(same_logins(target, known, other));
  other = known;
  other.gone = {RegistryKey("ghcr.io")};
  EXPECT_FALSE(same_logins(target, known, other));
  other = known;
  other.store_problem = Error(ErrorCode::timeout, "silent");
  EXPECT_FALSE(same_logins(target, known, other));
  auto of_path = make_target("t");
  of_path.registries = {"ghcr.io/team"};
  EXPECT_FALSE(same_logins(of_path, known, no_logins("ghcr.io"))) << "a login of the host serves its paths";
}

TEST(Siblings, ContextsThatWantTheSameAreOne) {
  for (const int contexts : {10, 20}) {
    std::vector<DesiredState::Sibling> siblings;
    for (int i = 0; i < contexts; ++i) {
      DesiredState::add_sibling(siblings, {.context = "c" + std::to_string(i), .targets = wanted("t")});
    }
    DesiredState::add_sibling(siblings,
                              {.context = "nothing", .targets = std::make_shared<const std::vector<Target>>()});
    DesiredState::add_sibling(siblings, {.context = "other", .targets = wanted("u")});
    ASSERT_EQ(siblings.size(), 2U) << "of " << contexts;
    EXPECT_EQ(siblings[0].context, "c0");
    EXPECT_EQ(siblings[1].context, "other");
  }
}

// "t" is wanted here, and "a" through context c.
DesiredState with_sibling(bool is_proven) {
  const auto plan = std::make_shared<const Plan>(make_plan(make_target("t"), one_login("ghcr.io")));
  return DesiredState({.plans = {{"t", plan}},
                       .deletion = {.known_targets = {"a", "t"}},
                       .siblings = {{.context = "c", .targets = wanted("a"), .is_proven = is_proven}}});
}

SecretView secret_of(const std::string& target) {
  SecretView view;
  view.target = target;
  view.ownership = Ownership::ours;
  view.right_type = true;
  return view;
}

TEST(Siblings, ATargetThatComesFirstHasTheSecretThroughAnotherContext) {
  const DesiredState desired = with_sibling(/*is_proven=*/true);
  const auto claim = desired.claim({"team-a", "cred"}, {});
  EXPECT_EQ(claim.plan, nullptr);
  ASSERT_NE(claim.elsewhere, nullptr);
  EXPECT_EQ(claim.elsewhere->name, "a");
  EXPECT_EQ(*claim.through, "c");
  EXPECT_EQ(desired.claim({"team-b", "cred"}, {}).elsewhere, nullptr);
}

TEST(Siblings, OfAContextThatIsNotProvenToLeadThereTakeNothingAndKeepWhatTheyHave) {
  const DesiredState desired = with_sibling(/*is_proven=*/false);
  const Key key{"team-a", "cred"};
  ASSERT_NE(desired.claim(key, {}).plan, nullptr);
  EXPECT_EQ(desired.decide(key, {}).action, Action::create);
  const SecretView theirs = secret_of("a");
  EXPECT_EQ(desired.decide(key, {.secret = &theirs}).action, Action::nothing) << "who has it keeps it";
  const SecretView unwanted = secret_of("t");
  EXPECT_EQ(desired.decide({"dev-1", "cred"}, {.secret = &theirs}).action, Action::nothing);
  const DesiredState without_plans({.deletion = desired.deletion(), .siblings = desired.siblings()});
  EXPECT_EQ(without_plans.decide(key, {.secret = &unwanted}).action, Action::nothing) << "it may be wanted there";
}

TEST(Siblings, OneThatIsProvenIsNotLeftOutForOneThatIsNot) {
  std::vector<DesiredState::Sibling> siblings;
  DesiredState::add_sibling(siblings, {.context = "c", .targets = wanted("t"), .is_proven = false});
  DesiredState::add_sibling(siblings, {.context = "d", .targets = wanted("t")});
  ASSERT_EQ(siblings.size(), 2U);
  EXPECT_TRUE(siblings[1].is_proven);
}

TEST(Selects, ByNameGlobSelectorAndExclusion) {
  auto target = make_target("t");
  target.exclude_namespaces = {"dev-secret*"};
  target.namespace_selector = LabelSelector::parse("env=prod");
  NamespaceView prod;
  prod.labels = {{"env", "prod"}};
  const NamespaceView plain;
  EXPECT_EQ(selects(target, "team-a", nullptr, ""), Selected::yes);
  EXPECT_EQ(selects(target, "dev-1", nullptr, ""), Selected::yes);
  EXPECT_EQ(selects(target, "dev-secret-1", &prod, ""), Selected::no);
  EXPECT_EQ(selects(target, "other", &prod, ""), Selected::yes);
  EXPECT_EQ(selects(target, "other", &plain, ""), Selected::no);
  EXPECT_EQ(selects(target, "other", nullptr, ""), Selected::unknown);
  target.namespace_selector = LabelSelector::parse("kubernetes.io/metadata.name=other");
  EXPECT_EQ(selects(target, "other", &plain, ""), Selected::yes);
  target.namespaces.clear();
  target.namespace_selector = LabelSelector();
  EXPECT_EQ(selects(target, "own", nullptr, "own"), Selected::yes);
  EXPECT_EQ(selects(target, "team-a", nullptr, "own"), Selected::no);
}

TEST(MakePlan, ALoginOfTheHostServesARegistryWithAPath) {
  auto target = make_target("t");
  target.registries = {"ghcr.io/acme"};
  auto logins = one_login("ghcr.io");
  logins.asked.insert(RegistryKey("ghcr.io/acme"));
  const auto plan = make_plan(target, logins);
  ASSERT_TRUE(plan.payload);
  EXPECT_NE(base64_decode(plan.payload->base64())->find("\"ghcr.io/acme\""), std::string::npos);
  EXPECT_EQ(wanted_registries(target).size(), 2U);
}

TEST(PlanEntries, ThePresentEntryOfTheHostIsKeptForARegistryWithAPathThatHasNoLogin) {
  auto target = make_target("t");
  target.registries = {"ghcr.io", "quay.io/acme"};
  auto logins = one_login("ghcr.io", "new");
  logins.asked = wanted_registries(target);
  const Plan plan = make_plan(target, logins);
  const auto entries = plan.entries_over(R"({"auths":{
      "ghcr.io": {"username":"u","password":"old"},
      "quay.io": {"username":"robot","password":"q","email":"a@b"},
      "other.io": {"username":"x","password":"y"}}})");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries.at("ghcr.io").password.reveal(), "new");
  EXPECT_EQ(entries.at("quay.io").password.reveal(), "q");
  EXPECT_EQ(entries.at("quay.io").email, "a@b");
}

TEST(MakePlan, HubIsWrittenAsKubeletFindsIt) {
  auto target = make_target("t");
  target.registries = {"docker.io"};
  const auto plan = make_plan(target, one_login("https://index.docker.io/v1/"));
  ASSERT_TRUE(plan.payload);
  EXPECT_NE(base64_decode(plan.payload->base64())->find("\"https://index.docker.io/v1/\""), std::string::npos);
}

TEST(MakePlan, OneUnusableLoginLeavesTheOthers) {
  auto target = make_target("t");
  target.registries = {"ghcr.io", "quay.io"};
  auto logins = one_login("ghcr.io");
  const RegistryKey quay("quay.io");
  logins.asked.insert(quay);
  logins.credentials[quay] =
      std::make_shared<const Credential>(Credential{{"quay.io", "<token>"}, SecretString("identity")});
  const auto plan = make_plan(target, logins);
  ASSERT_TRUE(plan.payload);
  EXPECT_EQ(plan.problems.size(), 1U);
  EXPECT_EQ(plan.problems.front().code(), ErrorCode::unusable_login);
  EXPECT_EQ(plan.carried_over, std::set<std::string>{"quay.io"});
  EXPECT_EQ(base64_decode(plan.payload->base64())->find("identity"), std::string::npos);
}

}  // namespace
}  // namespace regsync
