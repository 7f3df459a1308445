// Footprints in ConfigMaps of a hub, as two replicas share them.
#include "sync/fleet/footprint_config_maps.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "sync/kube/config/kubeconfig.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

Footprint footprint(const std::vector<std::string>& contexts, const std::string& name_space = "team") {
  Footprint made;
  for (const auto& context : contexts) {
    made.contexts[context].secrets["cred"] = {false, {name_space}};
    made.contexts[context].service_accounts = {"default"};
  }
  return made;
}

class FootprintConfigMapsTest : public testing::Test {
 protected:
  static constexpr const char* config_map = "regsync-fleet-pull";

  FootprintConfigMapsTest() { server_.make_namespace("fleet"); }
  void TearDown() override { stop(); }

  std::unique_ptr<FootprintConfigMaps> make(
      const std::set<std::string>& mine = {}, std::function<void()> on_change = [] {}) {
    auto maps = std::make_unique<FootprintConfigMaps>(
        io_.get_executor(), config_.resolve("hub"), FootprintConfigMaps::Place{"fleet", "fleet"},
        FootprintConfigMaps::Handlers{
            .may_write = [mine](const std::string& context) { return mine.empty() || mine.contains(context); },
            .on_change = std::move(on_change)});
    maps->start();
    return maps;
  }
  void stop() {
    for (auto* maps : {&one_, &two_}) {
      if (*maps) {
        test::run(io_, (*maps)->stop());
        maps->reset();
      }
    }
  }
  bool until(const std::function<bool()>& holds, std::chrono::milliseconds time = 30s) {
    return test::run_until(io_, holds, time);
  }
  bool written(const FootprintConfigMaps& maps, const std::vector<std::string>& contexts) {
    return until([&] {
      return std::ranges::none_of(contexts, [&](const auto& context) { return maps.is_pending("pull", context); });
    });
  }
  bool knows(FootprintConfigMaps& maps, const Footprint& wanted) {
    return until([&] { return maps.find("pull") != nullptr && *maps.find("pull") == wanted; });
  }
  [[nodiscard]] std::optional<json> object() const { return server_.find({"configmaps", "fleet", config_map}); }

  test::FakeApiServer server_;
  test::TempDir root_;
  kube::Kubeconfig config_ = kube::Kubeconfig::load(root_.write("config", server_.kubeconfig({"hub"})));
  asio::io_context io_;
  std::unique_ptr<FootprintConfigMaps> one_;
  std::unique_ptr<FootprintConfigMaps> two_;
};

TEST_F(FootprintConfigMapsTest, WhatOneReplicaRemembersIsKnownToTheNext) {
  one_ = make();
  Footprint remembered = footprint({"fleet/a", "arn:aws:eks/ü"});
  remembered.own_namespaces["fleet/a"] = "team";
  remembered.kept.insert("fleet/a");
  remembered.forgotten = true;
  one_->set("pull", remembered);
  EXPECT_TRUE(one_->is_pending("pull", "fleet/a")) << "nothing may be made before it is written";
  ASSERT_TRUE(written(*one_, {"fleet/a", "arn:aws:eks/ü"}));
  stop();
  two_ = make();
  EXPECT_FALSE(two_->known_as_of());
  EXPECT_TRUE(knows(*two_, remembered));
  EXPECT_TRUE(until([&] { return two_->known_as_of().has_value(); }));
  EXPECT_FALSE(two_->is_pending("pull", "fleet/a"));
}

TEST_F(FootprintConfigMapsTest, ReplicasWriteTheirOwnContextsSideBySide) {
  one_ = make({"a"});
  two_ = make({"b"});
  ASSERT_TRUE(until([&] { return one_->known_as_of() && two_->known_as_of(); }));
  one_->set("pull", footprint({"a"}));
  two_->set("pull", footprint({"b"}));
  ASSERT_TRUE(written(*one_, {"a"}));
  ASSERT_TRUE(written(*two_, {"b"}));
  EXPECT_TRUE(knows(*one_, footprint({"a", "b"})));
  EXPECT_TRUE(knows(*two_, footprint({"a", "b"})));
  // What is not its own is not written, whatever it thinks of it.
  one_->set("pull", footprint({"a"}, "other"));
  ASSERT_TRUE(written(*one_, {"a", "b"}));
  Footprint wanted = footprint({"a", "b"});
  wanted.contexts["a"] = footprint({"a"}, "other").contexts["a"];
  EXPECT_TRUE(knows(*two_, wanted));
  one_->set("pull", {});
  two_->set("pull", {});
  EXPECT_TRUE(until([&] { return !object(); })) << "nothing is remembered any more";
}

TEST_F(FootprintConfigMapsTest, WhatCannotBeWrittenStaysPendingUntilTheHubIsThere) {
  one_ = make();
  ASSERT_TRUE(until([&] { return one_->known_as_of().has_value(); }));
  server_.inject({.kind = test::Fault::Kind::status, .verb = "create", .resource = "configmaps", .times = -1});
  one_->set("pull", footprint({"a"}));
  ASSERT_TRUE(until([&] { return one_->problem().has_value(); }));
  EXPECT_TRUE(one_->is_pending("pull", "a"));
  server_.clear_faults();
  EXPECT_TRUE(written(*one_, {"a"}));
  EXPECT_FALSE(one_->problem());
}

TEST_F(FootprintConfigMapsTest, AConfigMapThatIsNearlyFullIsToldOfUntilItIsNot) {
  one_ = make();
  Footprint large = footprint({"gone", "here"});
  for (int i = 0; i < 90'000; ++i) {
    large.contexts["gone"].secrets["cred"].namespaces.insert("team-" + std::to_string(100'000 + i));
  }
  one_->set("pull", large);
  ASSERT_TRUE(written(*one_, {"gone", "here"}));
  ASSERT_TRUE(one_->warning("pull"));
  EXPECT_NE(one_->warning("pull")->remedy().find("forget-context"), std::string::npos);
  EXPECT_FALSE(one_->warning("other"));
  one_->set("pull", footprint({"here"}));
  ASSERT_TRUE(written(*one_, {"gone"}));
  EXPECT_FALSE(one_->warning("pull"));
}

TEST_F(FootprintConfigMapsTest, AConfigMapThatSomebodyDeletedIsWrittenAgain) {
  one_ = make();
  one_->set("pull", footprint({"a"}));
  ASSERT_TRUE(written(*one_, {"a"}));
  ASSERT_TRUE(server_.erase({"configmaps", "fleet", config_map}));
  EXPECT_TRUE(until([&] { return object().has_value() && !one_->is_pending("pull", "a"); }));
  EXPECT_EQ(*one_->find("pull"), footprint({"a"}));
}

TEST_F(FootprintConfigMapsTest, WhatNobodyWroteThatWayIsTheProblemOfItsTargetAndStays) {
  one_ = make();
  one_->set("pull", footprint({"a"}));
  ASSERT_TRUE(written(*one_, {"a"}));
  const json good = object().value();
  for (const json& data :
       {json{{"x", "no JSON"}}, json{{"x", R"({"context": 3})"}}, json{{"x", R"({"context": "a", "kept": false})"}},
        json{{"x", "[]"}}, json{{"forgotten", "maybe"}}}) {
    json broken = good;
    broken["data"] = data;
    broken["metadata"].erase("resourceVersion");
    server_.put({"configmaps", "fleet", config_map}, broken);
    ASSERT_TRUE(until([&] { return one_->unreadable().contains("pull"); })) << data;
    EXPECT_EQ(one_->find("pull"), nullptr);
    EXPECT_THROW(one_->set("pull", footprint({"b"})), Error);
    json whole = good;
    whole["metadata"].erase("resourceVersion");
    server_.put({"configmaps", "fleet", config_map}, whole);
    EXPECT_TRUE(knows(*one_, footprint({"a"})));
  }
}

TEST_F(FootprintConfigMapsTest, AnotherOwnersAreNotLookedAt) {
  server_.put({"configmaps", "fleet", "regsync-other-pull"}, {{"apiVersion", "v1"},
                                                              {"kind", "ConfigMap"},
                                                              {"metadata",
                                                               {{"name", "regsync-other-pull"},
                                                                {"namespace", "fleet"},
                                                                {"labels", {{"regsync.dev/footprints", "other"}}},
                                                                {"annotations", {{"regsync.dev/target", "pull"}}}}},
                                                              {"data", {{"forgotten", "true"}}}});
  one_ = make();
  ASSERT_TRUE(until([&] { return one_->known_as_of().has_value(); }));
  EXPECT_TRUE(one_->all().empty());
}

TEST_F(FootprintConfigMapsTest, AConfigMapOfSomebodyElseUnderItsNameStaysAndTheProblemSaysWhatToDo) {
  const json foreign{{"apiVersion", "v1"},
                     {"kind", "ConfigMap"},
                     {"metadata", {{"name", config_map}, {"namespace", "fleet"}}},
                     {"data", {{"theirs", "yes"}}}};
  server_.put({"configmaps", "fleet", config_map}, foreign);
  one_ = make();
  one_->set("pull", footprint({"a"}));
  ASSERT_TRUE(until([&] { return one_->problem().has_value(); }));
  EXPECT_NE(one_->problem()->message().find("fleet/regsync-fleet-pull"), std::string::npos);
  EXPECT_NE(one_->problem()->remedy().find("remove it"), std::string::npos);
  EXPECT_TRUE(one_->is_pending("pull", "a"));
  EXPECT_EQ(object().value()["data"], foreign["data"]);
  ASSERT_TRUE(server_.erase({"configmaps", "fleet", config_map}));
  EXPECT_TRUE(written(*one_, {"a"}));
  EXPECT_FALSE(one_->problem());
}

TEST_F(FootprintConfigMapsTest, AContextOfManyIsReadAloneWhenItChanges) {
  one_ = make({"a", "b"});
  two_ = make({"c"});
  one_->set("pull", footprint({"a", "b"}));
  ASSERT_TRUE(written(*one_, {"a", "b"}));
  EXPECT_TRUE(knows(*two_, footprint({"a", "b"})));
  one_->set("pull", footprint({"b"}, "other"));
  EXPECT_TRUE(knows(*two_, footprint({"b"}, "other"))) << "one is gone, and one has changed";
}

// As after kubectl patch configmap NAME -p '{"data":null}'.
TEST_F(FootprintConfigMapsTest, AConfigMapWithoutDataIsFilledAgain) {
  one_ = make();
  one_->set("pull", footprint({"a"}));
  ASSERT_TRUE(written(*one_, {"a"}));
  json emptied = object().value();
  emptied.erase("data");
  emptied["metadata"].erase("resourceVersion");
  server_.put({"configmaps", "fleet", config_map}, emptied);
  ASSERT_TRUE(until([&] { return one_->find("pull") == nullptr; }));
  server_.forget_requests();
  one_->set("pull", footprint({"a"}));
  EXPECT_TRUE(written(*one_, {"a"}));
  EXPECT_EQ(server_.count("patch", "configmaps"), 1U);
  two_ = make();
  EXPECT_TRUE(knows(*two_, footprint({"a"})));
}

TEST_F(FootprintConfigMapsTest, ThatATargetIsForgottenIsNotTakenBackByAReplicaThatHasNotSeenIt) {
  one_ = make({"a"});
  one_->set("pull", footprint({"a"}));
  ASSERT_TRUE(written(*one_, {"a"}));
  json forgotten = object().value();
  forgotten["data"]["forgotten"] = "true";
  forgotten["metadata"].erase("resourceVersion");
  server_.put({"configmaps", "fleet", config_map}, forgotten);
  // No event has arrived yet.
  one_->set("pull", footprint({"a"}, "other"));
  ASSERT_TRUE(written(*one_, {"a"}));
  EXPECT_EQ(object().value()["data"]["forgotten"], "true");
  Footprint wanted = footprint({"a"}, "other");
  wanted.forgotten = true;
  EXPECT_TRUE(knows(*one_, wanted));
  // Its own word counts.
  one_->set("pull", footprint({"a"}, "other"));
  EXPECT_TRUE(until([&] { return object().value()["data"]["forgotten"] == "false"; }));
}

TEST(FootprintConfigMapsOwner, IsPartOfNamesAndLabels) {
  for (const char* owner : {"fleet", "Fleet", "a_b", "a.b-c", "0"}) {
    EXPECT_TRUE(can_own_config_maps(owner)) << owner;
  }
  for (const char* owner : {"team.", "-x", "_x", "a..b", ".", "x-"}) {
    EXPECT_FALSE(can_own_config_maps(owner)) << owner;
  }
}

TEST_F(FootprintConfigMapsTest, AWatchThatFailsIsShownWhateverIsWritten) {
  one_ = make();
  ASSERT_TRUE(until([&] { return one_->known_as_of().has_value(); }));
  server_.deny("watch", "configmaps");
  server_.deny("list", "configmaps");  // one that is answered ends the problem until the next watch is denied
  server_.cut_watches();
  const auto is_denied = [&] { return one_->problem() && one_->problem()->code() == ErrorCode::forbidden; };
  ASSERT_TRUE(until(is_denied));
  one_->set("pull", footprint({"a"}));
  ASSERT_TRUE(written(*one_, {"a"}));
  EXPECT_TRUE(is_denied());
}

TEST_F(FootprintConfigMapsTest, AnEventThatCannotBeHandledDoesNotEndTheWatch) {
  one_ = make({}, [] { throw std::runtime_error("a defect"); });
  two_ = make();
  two_->set("pull", footprint({"a"}));
  EXPECT_TRUE(knows(*one_, footprint({"a"})));
  two_->set("pull", footprint({"a", "b"}));
  EXPECT_TRUE(knows(*one_, footprint({"a", "b"})));
}

}  // namespace
}  // namespace regsync
