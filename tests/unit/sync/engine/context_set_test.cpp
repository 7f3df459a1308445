#include "sync/engine/context_set.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

#include "tests/unit/sync/engine/engine_parts.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ContextSetTest : public EngineParts {
 protected:
  // Parses the text, and updates. Returns the contexts with a new cluster.
  std::set<std::string> take(const std::string& text) {
    contexts_.set_kubeconfig(kube::Kubeconfig::parse(text, "a file"));
    return update();
  }

  using Fleet = std::map<std::string, std::shared_ptr<const kube::KnownCluster>>;

  static kube::KnownCluster known_cluster(const std::string& name, const std::string& token = "t") {
    kube::KnownCluster known;
    auto& context = known.context.emplace();
    context.name = name;
    context.server = "https://127.0.0.1:1/" + name;
    context.token = SecretString(token);
    return known;
  }
  static std::shared_ptr<const kube::KnownCluster> shared(kube::KnownCluster known) {
    return std::make_shared<const kube::KnownCluster>(std::move(known));
  }
  // Whether an update() is due.
  bool take_fleet(Fleet fleet) { return contexts_.set_kubeconfig(kube::Kubeconfig::of(std::move(fleet), "the hub")); }
};

TEST_F(ContextSetTest, NeededContextsRun) {
  contexts_.set_kubeconfig(kube::Kubeconfig::parse(kubeconfig_text({{"dev", "a"}, {"prod", "b"}}), "a file"));
  const auto fresh = contexts_.update([](const std::string& context) { return context == "dev"; });
  EXPECT_THAT(fresh, ElementsAre("dev"));
  EXPECT_THAT(contexts_.names(), ElementsAre("dev", "prod"));
  EXPECT_TRUE(contexts_.find("dev"));
  EXPECT_FALSE(contexts_.find("prod"));
  EXPECT_EQ(contexts_.server("prod"), "https://127.0.0.1:1/prod") << "as the kubeconfig has it";
  EXPECT_EQ(contexts_.server("nowhere"), "");
  EXPECT_THAT(update(), ElementsAre("prod"));
  EXPECT_THAT(contexts_.update([](const std::string&) { return false; }), IsEmpty());
  EXPECT_FALSE(contexts_.find("dev")) << "nobody needs it";
}

TEST_F(ContextSetTest, AnotherDefinitionIsAnotherCluster) {
  take(kubeconfig_text({{"dev", "a"}}));
  const auto first = contexts_.find("dev");
  EXPECT_THAT(take(kubeconfig_text({{"dev", "a"}})), IsEmpty()) << "the same";
  EXPECT_THAT(take(kubeconfig_text({{"dev", "a"}}, "rotated")), IsEmpty()) << "the same cluster, another token";
  EXPECT_EQ(contexts_.find("dev"), first);
  auto moved = kubeconfig_text({{"dev", "a"}});
  moved.replace(moved.find("127.0.0.1"), 9, "127.0.0.2");
  EXPECT_THAT(take(moved), ElementsAre("dev"));
  EXPECT_NE(contexts_.find("dev"), first);
  EXPECT_EQ(contexts_.server("dev"), "https://127.0.0.2:1/dev");
}

// It says whose of several replicas the cluster is.
TEST_F(ContextSetTest, TheAddressIsTheSameWithAClusterAndWithout) {
  for (const auto& [written, spelled] : std::map<std::string, std::string>{
           {"https://HOST.example/", "https://host.example"},
           {"https://h.example//a/../b%2D1/", "https://h.example/b-1"},
           {"127.0.0.1:6443", "http://127.0.0.1:6443"},
       }) {
    auto text = kubeconfig_text({{"dev", "a"}});
    text.replace(text.find("https://127.0.0.1:1/dev"), 23, written);
    contexts_.set_kubeconfig(kube::Kubeconfig::parse(text, "a file"));
    contexts_.update([](const std::string&) { return false; });
    EXPECT_EQ(contexts_.server("dev"), spelled);
    update();
    EXPECT_EQ(contexts_.server("dev"), spelled);
    const auto first = contexts_.find("dev");
    ASSERT_TRUE(first);
    EXPECT_THAT(take(text + "# touched\n"), IsEmpty()) << "the same";
    EXPECT_EQ(contexts_.find("dev"), first);
  }
}

// Of several replicas, another one may be to serve it there.
TEST_F(ContextSetTest, WhoseClusterItIsIsAskedByItsNewAddressBeforeItsClusterHasIt) {
  take_fleet({{"dev", shared(known_cluster("dev"))}});
  update();
  auto moved = known_cluster("dev");
  moved.context->server = "https://127.0.0.2:1/dev";
  take_fleet({{"dev", shared(std::move(moved))}});
  EXPECT_EQ(contexts_.server("dev"), "https://127.0.0.2:1/dev");
  contexts_.update([&](const std::string& context) { return contexts_.server(context) != "https://127.0.0.2:1/dev"; });
  EXPECT_FALSE(contexts_.find("dev"));
}

TEST_F(ContextSetTest, WhereASecretOfAHubIsBrokenTheAddressStaysTheOneInUse) {
  take_fleet({{"dev", shared(known_cluster("dev"))}});
  update();
  kube::KnownCluster broken;
  broken.problem = Error(ErrorCode::kubeconfig, "not understood");
  take_fleet({{"dev", shared(std::move(broken))}});
  update();
  EXPECT_TRUE(contexts_.find("dev"));
  EXPECT_EQ(contexts_.server("dev"), "https://127.0.0.1:1/dev");
}

TEST_F(ContextSetTest, OneThatCannotBeUsedKeepsItsLastGoodDefinitionAndHurtsNoOther) {
  take(kubeconfig_text({{"dev", "a"}, {"prod", "b"}}));
  const auto last_good = contexts_.find("dev");
  auto torn = kubeconfig_text({{"dev", "a"}, {"prod", "b"}, {"test", "c"}});
  torn.replace(torn.find("cluster: dev"), 12, "cluster: gon");
  EXPECT_THAT(take(torn), ElementsAre("test"));
  EXPECT_EQ(contexts_.find("dev"), last_good);
  ASSERT_TRUE(contexts_.problems().contains("dev"));
  EXPECT_FALSE(contexts_.problems().contains("prod"));
  take(kubeconfig_text({{"dev", "a"}, {"prod", "b"}}));
  EXPECT_THAT(contexts_.problems(), testing::Not(testing::Contains(testing::Key("dev"))));
}

TEST_F(ContextSetTest, AKubeconfigWithoutContextsIsAProblemAndEndsNone) {
  take(kubeconfig_text({{"dev", "a"}}));
  take("");
  ASSERT_TRUE(contexts_.kubeconfig_problem());
  EXPECT_THAT(contexts_.kubeconfig_problem()->message(), HasSubstr("has no context any more"));
  EXPECT_TRUE(contexts_.find("dev"));
  EXPECT_THAT(contexts_.problems(), IsEmpty());
  take(kubeconfig_text({{"dev", "a"}}));
  EXPECT_FALSE(contexts_.kubeconfig_problem());
}

TEST_F(ContextSetTest, WhereTheKubeconfigIsGoneThePodsOwnClusterDoesNotTakeItsPlace) {
  const test::TempDir dir;
  const auto account = dir.write("account/token", "t").parent_path();
  ::setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  const auto take_pod = [&] {
    auto pod = kube::Kubeconfig::in_cluster(account);
    ASSERT_TRUE(pod);
    contexts_.set_kubeconfig(std::move(*pod));
  };
  take_pod();
  EXPECT_FALSE(contexts_.kubeconfig_problem());
  EXPECT_THAT(contexts_.names(), ElementsAre("in-cluster")) << "it begins there";

  take(kubeconfig_text({{"dev", "a"}}));
  take_pod();
  ASSERT_TRUE(contexts_.kubeconfig_problem());
  EXPECT_THAT(contexts_.kubeconfig_problem()->message(), HasSubstr("(a file) has no context any more"));
  EXPECT_THAT(contexts_.names(), ElementsAre("dev"));
  take(kubeconfig_text({{"dev", "a"}}));
  EXPECT_FALSE(contexts_.kubeconfig_problem());
}

TEST_F(ContextSetTest, FromAHubThereMayBeNoClusterLeft) {
  take(kubeconfig_text({{"dev", "a"}}));
  contexts_.set_kubeconfig(kube::Kubeconfig::of({}, "a hub"));
  EXPECT_FALSE(contexts_.kubeconfig_problem());
  EXPECT_THAT(contexts_.names(), IsEmpty());
}

TEST_F(ContextSetTest, OtherCredentialsInAHubAreUsedAtOnceAndNothingElseIsDone) {
  Fleet fleet{{"dev", shared(known_cluster("dev"))}, {"prod", shared(known_cluster("prod"))}};
  EXPECT_TRUE(take_fleet(fleet));
  contexts_.update([](const std::string& context) { return context == "dev"; });
  const auto dev = contexts_.find("dev");
  ASSERT_TRUE(dev);
  EXPECT_FALSE(take_fleet(fleet)) << "the same";
  fleet["dev"] = shared(known_cluster("dev", "renewed"));
  fleet["prod"] = shared(known_cluster("prod", "renewed"));  // which has no cluster
  EXPECT_FALSE(take_fleet(fleet));
  EXPECT_EQ(contexts_.find("dev"), dev);
  EXPECT_EQ(dev->context().token.reveal(), "renewed");
  EXPECT_THAT(update(), ElementsAre("prod"));
  EXPECT_EQ(contexts_.find("prod")->context().token.reveal(), "renewed");
}

TEST_F(ContextSetTest, WhateverElseDiffersInAHubIsDueForAnUpdate) {
  const Fleet fleet{{"dev", shared(known_cluster("dev"))}};
  take_fleet(fleet);
  update();
  auto moved = known_cluster("dev");
  moved.context->server = "https://127.0.0.2:1/dev";
  auto labelled = known_cluster("dev");
  labelled.labels["env"] = "prod";
  kube::KnownCluster broken;
  broken.problem = Error(ErrorCode::kubeconfig, "not understood");
  for (const auto& other : {Fleet{{"dev", shared(std::move(moved))}}, Fleet{{"dev", shared(std::move(labelled))}},
                            Fleet{{"dev", shared(std::move(broken))}}, Fleet{},
                            Fleet{{"dev", fleet.at("dev")}, {"prod", shared(known_cluster("prod"))}}}) {
    EXPECT_TRUE(take_fleet(other));
    update();
    EXPECT_TRUE(take_fleet(fleet)) << "and back";
    update();
  }
  contexts_.set_kubeconfig_problem({ErrorCode::unreachable, "the hub does not answer"});
  EXPECT_TRUE(take_fleet(fleet)) << "the problem is over";
  EXPECT_FALSE(contexts_.kubeconfig_problem());
}

TEST_F(ContextSetTest, CredentialsInAHubThatCannotBeUsedAreAProblemUntilOthersCome) {
  take_fleet({{"dev", shared(known_cluster("dev"))}});
  update();
  const auto dev = contexts_.find("dev");
  auto unusable = known_cluster("dev", "worse");
  unusable.context->client_certificate_data = "not a certificate";
  EXPECT_TRUE(take_fleet({{"dev", shared(std::move(unusable))}}));
  update();
  EXPECT_TRUE(contexts_.problems().contains("dev"));
  EXPECT_EQ(dev->context().token.reveal(), "t") << "the last good ones";
  EXPECT_TRUE(take_fleet({{"dev", shared(known_cluster("dev", "renewed"))}}));
  update();
  EXPECT_THAT(contexts_.problems(), IsEmpty());
  EXPECT_EQ(contexts_.find("dev"), dev);
  EXPECT_EQ(dev->context().token.reveal(), "renewed");
}

TEST_F(ContextSetTest, AContextThatVanishedRunsOnForTheGrace) {
  take(kubeconfig_text({{"dev", "a"}, {"prod", "b"}}));
  take(kubeconfig_text({{"dev", "a"}}));
  EXPECT_FALSE(contexts_.contains("prod"));
  EXPECT_TRUE(contexts_.find("prod"));
  EXPECT_EQ(contexts_.problems().at("prod"), contexts_.vanished("prod"));
  const auto kept = contexts_.find("prod");
  EXPECT_THAT(take(kubeconfig_text({{"dev", "a"}, {"prod", "b"}})), IsEmpty());
  EXPECT_EQ(contexts_.find("prod"), kept) << "it was only being written";
}

TEST_F(ContextSetTest, TheCurrentNamespaceIsNotBelievedWhileTheFileIsYoung) {
  set_contexts({{"dev", "a"}});
  EXPECT_EQ(contexts_.current_namespace("dev"), "a");
  set_young_contexts({{"dev", "b"}});
  EXPECT_EQ(contexts_.current_namespace("dev"), std::nullopt);
  set_contexts({{"dev", "b"}});
  EXPECT_EQ(contexts_.current_namespace("dev"), "b");
  EXPECT_EQ(contexts_.current_namespace("nowhere"), std::nullopt);
}

// The same with a grace that ends within the test.
TEST(ContextSetGrace, EndsWhatIsGoneAndReadsAgainWhatIsNotBelieved) {
  asio::io_context io;
  int due = 0;
  int read_again = 0;
  ContextSet contexts(io.get_executor(), {}, 20ms,
                      {.on_change = [](const std::string&, const ChangedRows&) {},
                       .on_due = [&] { ++due; },
                       .read_again = [&] { ++read_again; },
                       .on_identified = [](const std::string&, const ClusterIdentity&) { return true; },
                       .on_lost = [](const std::string&) {}});
  const auto all = [](const std::string&) { return true; };
  const auto context = [](const std::string& name) {
    return "- {name: " + name + ", context: {cluster: c, user: u, namespace: own}}\n";
  };
  const std::string rest =
      "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {token: t}}]\n"
      "contexts:\n";
  const test::TempDir dir;
  contexts.set_kubeconfig(kube::Kubeconfig::load(dir.write("kubeconfig", rest + context("dev") + context("prod"))));
  contexts.update(all);
  EXPECT_EQ(contexts.current_namespace("dev"), std::nullopt);
  ASSERT_TRUE(test::run_until(io, [&] { return read_again > 0; }));
  contexts.set_kubeconfig(kube::Kubeconfig::parse(rest + context("dev"), "a file"));
  contexts.update(all);
  EXPECT_EQ(contexts.current_namespace("dev"), "own");
  EXPECT_TRUE(contexts.find("prod"));
  ASSERT_TRUE(test::run_until(io, [&] { return due > 0; }));
  contexts.update(all);
  EXPECT_FALSE(contexts.find("prod"));
  EXPECT_THAT(contexts.problems(), IsEmpty());
  test::run(io, contexts.stop());
}

// No event tells of the files that a kubeconfig names.
TEST(ContextSetRetry, AFileThatCouldNotBeUsedIsLookedAtAgain) {
  asio::io_context io;
  std::unique_ptr<ContextSet> contexts;
  const auto update = [&] { contexts->update([](const std::string&) { return true; }); };
  contexts = std::make_unique<ContextSet>(
      io.get_executor(), ClusterOptions{}, 1h,
      ContextSet::Handlers{.on_change = [](const std::string&, const ChangedRows&) {},
                           .on_due = update,
                           .read_again = {},
                           .on_identified = [](const std::string&, const ClusterIdentity&) { return true; },
                           .on_lost = [](const std::string&) {}},
      /*first_retry=*/2ms);
  const test::TempDir dir;
  const auto text = [&](const std::string& token_file) {
    return "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
           "users: [{name: u, user: {tokenFile: '" +
           (dir / token_file).string() + "'}}]\ncontexts: [{name: dev, context: {cluster: c, user: u}}]\n";
  };
  contexts->set_kubeconfig(kube::Kubeconfig::parse(text("first"), "a file"));
  update();
  EXPECT_TRUE(contexts->problems().contains("dev"));
  dir.write("first", "t");
  EXPECT_TRUE(test::run_until(io, [&] { return contexts->problems().empty(); }));
  const auto first = contexts->find("dev");
  ASSERT_TRUE(first);

  contexts->set_kubeconfig(kube::Kubeconfig::parse(text("second"), "a file"));
  update();
  EXPECT_TRUE(contexts->problems().contains("dev"));
  EXPECT_EQ(contexts->find("dev"), first) << "the last good definition";
  EXPECT_FALSE(test::run_until(io, [&] { return contexts->problems().empty(); }, 20ms)) << "and no file yet";
  dir.write("second", "t");
  EXPECT_TRUE(test::run_until(io, [&] { return contexts->problems().empty(); }));
  EXPECT_EQ(first->context().token_file, (dir / "second").string());
  test::run(io, contexts->stop());
}

// One context, which follows a Secret.
class ContextSetIdentity : public testing::Test {
 protected:
  void TearDown() override { test::run(io_, contexts_.stop()); }

  void begin() {
    contexts_.set_kubeconfig(
        kube::Kubeconfig::parse("clusters: [{name: c, cluster: {server: 'https://k.example'}}]\n"
                                "users: [{name: u, user: {token: t}}]\n"
                                "contexts: [{name: dev, context: {cluster: c, user: u}}]\n",
                                "a file"));
    contexts_.update([](const std::string&) { return true; });
    Places places;
    places.secrets["cred"].namespaces = {"team"};
    contexts_.find("dev")->set_desired(std::make_shared<const DesiredState>(DesiredState::Inputs{}),
                                       std::make_shared<const Places>(places));
  }
  void be_somebody() { kube_.put({"namespaces", "", "kube-system"}, nlohmann::json::object()); }
  // It is somebody, and may not say so.
  void begin_refused(std::function<bool(const test::ApiRequest&)> forbids) {
    be_somebody();
    kube_.forbids = std::move(forbids);
    begin();
    ASSERT_TRUE(test::run_until(io_, [&] { return identity_.has_value(); }));
    EXPECT_EQ(identity_->uid, "");
  }
  [[nodiscard]] std::size_t asked() const { return kube_.transport.count("GET", kube_system); }
  bool is_known() {
    return test::run_until(io_, [&] { return identity_ && !identity_->uid.empty(); });
  }

  static constexpr const char* kube_system = "/api/v1/namespaces/kube-system";
  asio::io_context io_;
  test::FakeKube kube_{io_.get_executor()};
  std::optional<ClusterIdentity> identity_;
  bool in_doubt_ = false;
  int lost_ = 0;
  ContextSet contexts_{io_.get_executor(),
                       {.owner = {"id", "id jdoe@laptop"},
                        .connect = [this](const kube::ResolvedContext&) { return kube_.transport.connect(); }},
                       1h,
                       {.on_change = [](const std::string&, const ChangedRows&) {},
                        .on_due = [] {},
                        .read_again = {},
                        .on_identified =
                            [this](const std::string&, ClusterIdentity now) {
                              identity_ = std::move(now);
                              return !in_doubt_;
                            },
                        .on_lost =
                            [this](const std::string&) {
                              identity_.reset();
                              ++lost_;
                            }},
                       /*first_retry=*/20ms};
};

TEST_F(ContextSetIdentity, AServerThatCannotSayWhoItIsIsAskedLessAndLessOften) {
  kube_.transport.on("GET", kube_system, [fails = true](const kube::HttpRequest&) mutable {
    if (std::exchange(fails, false)) {
      throw std::runtime_error("a defect");
    }
    return test::FakeTransport::respond(500,
                                        test::FakeTransport::status_body(500, "InternalError", "it starts").dump());
  });
  begin();
  ASSERT_TRUE(test::run_until(io_, [&] { return asked() == 1; }));
  EXPECT_FALSE(test::run_until(io_, [&] { return asked() > 4; }, 200ms)) << "after 20, 40, 80 and 160 ms";
  EXPECT_TRUE(test::run_until(io_, [&] { return asked() >= 3; }));
  kube_.transport.forget_scripts("GET", kube_system);
  be_somebody();
  EXPECT_TRUE(is_known());
}

// An API server that starts refuses everything until it has read its rules.
TEST_F(ContextSetIdentity, WhoMayNotSayWhoItIsIsAskedAgainOnceSomethingIsAllowed) {
  begin_refused([](const test::ApiRequest&) { return true; });
  EXPECT_EQ(asked(), 1U);
  kube_.forbids = [](const test::ApiRequest&) { return false; };
  EXPECT_TRUE(is_known());
  EXPECT_EQ(asked(), 2U);
}

TEST_F(ContextSetIdentity, WhoMayNotSayWhoItIsIsAskedAgainWhereAPersonAsks) {
  begin_refused([](const test::ApiRequest& request) { return request.verb == "get"; });
  kube_.forbids = [](const test::ApiRequest&) { return false; };
  contexts_.find("dev")->kick();
  EXPECT_TRUE(is_known());
}

// Whether a list of what was refused, or a person's wish, changes that: until it is known, nothing is taken back.
TEST_F(ContextSetIdentity, WhoIsAskedAgainIsNoStrangerMeanwhile) {
  begin_refused([](const test::ApiRequest& request) { return request.verb == "get"; });
  contexts_.find("dev")->kick();
  EXPECT_TRUE(test::run_until(io_, [&] { return asked() == 2; }));
  EXPECT_TRUE(contexts_.identified("dev"));
  EXPECT_EQ(lost_, 0);
}

TEST_F(ContextSetIdentity, WhereItLeavesADoubtItIsAskedAgain) {
  in_doubt_ = true;
  begin();
  EXPECT_TRUE(test::run_until(io_, [&] { return asked() >= 3; }));
  EXPECT_EQ(lost_, 0);
  in_doubt_ = false;
  be_somebody();
  EXPECT_TRUE(is_known());
}

// What answers then may be another cluster, though nothing failed.
TEST_F(ContextSetIdentity, IsAskedAnewWhenAWatchWasCut) {
  be_somebody();
  kube_.make_namespace("team");
  begin();
  ASSERT_TRUE(is_known());
  ASSERT_TRUE(test::run_until(io_, [&] { return contexts_.find("dev")->connected(); }));
  ASSERT_TRUE(
      test::run_until(io_, [&] { return kube_.transport.open_streams("/api/v1/namespaces/team/secrets") == 1; }));
  const std::size_t before = asked();
  kube_.put({"secrets", "team", "cred"}, {{"type", "Opaque"}});  // its watch works
  EXPECT_EQ(kube_.transport.cut_streams("/api/v1/namespaces/team/secrets"), 1U);
  ASSERT_TRUE(test::run_until(io_, [&] { return lost_ > 0; }));
  ASSERT_TRUE(is_known());
  EXPECT_GT(asked(), before);
  EXPECT_TRUE(contexts_.find("dev")->connected()) << "a cut is no fault";
}

}  // namespace
}  // namespace regsync
