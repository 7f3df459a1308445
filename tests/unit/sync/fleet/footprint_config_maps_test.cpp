// What replicas remember in ConfigMaps of a hub, over the HTTP seam: what each of them writes, and what it makes of
// what others wrote, above all in the same moment.
#include "sync/fleet/footprint_config_maps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_kube.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using test::ApiRequest;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;

const test::FakeKube::Key config_map{"configmaps", "fleet", "regsync-fleet-pull"};

Footprint footprint(const std::vector<std::string>& contexts, const std::string& name_space = "team") {
  Footprint made;
  for (const auto& context : contexts) {
    made.contexts[context].secrets["cred"] = {false, {name_space}};
    made.contexts[context].service_accounts = {"default"};
  }
  return made;
}

// What a replica that remembers this writes.
json data_of(const Footprint& remembered) {
  json data{{forgotten_key, forgotten_value(&remembered)}};
  for (const auto& [context, places] : remembered.contexts) {
    data[context_key(context)] = context_value(&remembered, context).value();
  }
  return data;
}

json object_of(const std::string& target, json data, const std::string& owner = "fleet") {
  return {{"metadata",
           {{"labels", {{"regsync.dev/footprints", owner}}}, {"annotations", {{"regsync.dev/target", target}}}}},
          {"data", std::move(data)}};
}

TEST(FootprintConfigMapsOwner, IsPartOfNamesAndLabels) {
  for (const char* owner : {"fleet", "Fleet", "a_b", "a.b-c", "0"}) {
    EXPECT_TRUE(can_own_config_maps(owner)) << owner;
  }
  for (const char* owner : {"team.", "-x", "_x", "a..b", ".", "x-"}) {
    EXPECT_FALSE(can_own_config_maps(owner)) << owner;
  }
}

class FootprintConfigMapsTest : public testing::Test {
 protected:
  struct Replica {
    Replica(asio::io_context& loop, test::FakeKube& kube, std::set<std::string> contexts, const std::string& owner)
        : serves(std::move(contexts)),
          maps(loop.get_executor(), hub_context(), kube.transport.connect(), {.name_space = "fleet", .owner = owner},
               {.may_write = [this](const std::string& context) { return serves.contains(context); },
                .on_change = [this] { on_change(); }}) {
      maps.start();
    }

    static kube::ResolvedContext hub_context() {
      kube::ResolvedContext context;
      context.name = "hub";
      context.server = "https://hub.example";
      return context;
    }

    std::set<std::string> serves;  // the contexts that are this replica's now
    std::function<void()> on_change = [] {};
    FootprintConfigMaps maps;
  };

  FootprintConfigMapsTest() { kube_.make_namespace("fleet"); }
  void TearDown() override {
    kube_.forbids = [](const ApiRequest&) { return false; };
    for (auto& replica : replicas_) {
      stop(replica.maps);
    }
  }

  FootprintConfigMaps& start(std::set<std::string> contexts, const std::string& owner = "fleet") {
    replicas_.emplace_back(loop_, kube_, std::move(contexts), owner);
    EXPECT_TRUE(until([&] { return replicas_.back().maps.known_as_of().has_value(); }));
    return replicas_.back().maps;
  }
  void stop(FootprintConfigMaps& maps) { test::run(loop_, maps.stop()); }
  bool until(const std::function<bool()>& holds, std::chrono::milliseconds time = std::chrono::seconds(30)) {
    return test::run_until(loop_, holds, time);
  }

  // All that it set is written.
  bool written(const FootprintConfigMaps& maps, const std::vector<std::string>& contexts = {"a", "b", "c"}) {
    return until([&] {
      return std::ranges::none_of(contexts, [&](const auto& context) { return maps.is_pending("pull", context); });
    });
  }
  bool knows(const FootprintConfigMaps& maps, const Footprint& wanted) {
    return until([&] { return maps.find("pull") != nullptr && *maps.find("pull") == wanted; });
  }
  // Lists anew, and so tries again what failed, now.
  bool read_again(FootprintConfigMaps& maps) {
    const auto before = maps.known_as_of();
    maps.read_again();
    return until([&] { return maps.known_as_of() > before; });
  }
  // Nothing: there is no ConfigMap.
  [[nodiscard]] std::optional<json> data() const {
    const auto object = kube_.find(config_map);
    return object ? std::optional(object->value("data", json())) : std::nullopt;
  }
  void put(const Footprint& remembered) { kube_.put(config_map, object_of("pull", data_of(remembered))); }
  void set_data(const json& data) {
    kube_.edit(config_map, [&](json& object) { object["data"] = data; });
  }
  // Somebody else is faster: does this right before the first such request has its effect.
  void right_before(const std::string& verb, std::function<void()> somebody) {
    kube_.forbids = [verb, somebody = std::move(somebody), done = false](const ApiRequest& request) mutable {
      if (request.verb == verb && !std::exchange(done, true)) {
        somebody();
      }
      return false;
    };
  }

  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  std::list<Replica> replicas_;
};

TEST_F(FootprintConfigMapsTest, WhatIsRememberedIsPendingUntilTheHubHasIt) {
  auto& maps = start({"a", "b"});
  Footprint remembered = footprint({"a", "b"});
  remembered.own_namespaces["a"] = "team";
  remembered.kept.insert("b");
  maps.set("pull", remembered);
  EXPECT_EQ(*maps.find("pull"), remembered) << "it is known at once";
  EXPECT_TRUE(maps.is_pending("pull", "a"));
  EXPECT_FALSE(maps.is_pending("pull", "c"));
  EXPECT_FALSE(maps.is_pending("other", "a"));
  ASSERT_TRUE(written(maps));
  EXPECT_EQ(data(), data_of(remembered));
  EXPECT_EQ(kube_.find(config_map)->at("metadata").at("labels"),
            (json{{"app.kubernetes.io/managed-by", "regsync"}, {"regsync.dev/footprints", "fleet"}}));
  auto& next = start({"a"});
  EXPECT_TRUE(knows(next, remembered));
  EXPECT_FALSE(next.is_pending("pull", "a"));
}

TEST_F(FootprintConfigMapsTest, NothingIsKnownBeforeTheHubHasToldAll) {
  put(footprint({"a"}));
  kube_.transport.hold();
  Replica& replica = replicas_.emplace_back(loop_, kube_, std::set<std::string>{"a"}, "fleet");
  ASSERT_TRUE(until([&] { return kube_.transport.count("GET") > 0; }));
  EXPECT_FALSE(replica.maps.known_as_of());
  replica.maps.set("pull", footprint({"a"}, "other"));
  EXPECT_TRUE(replica.maps.is_pending("pull", "a"));
  kube_.transport.release();
  EXPECT_TRUE(until([&] { return replica.maps.known_as_of().has_value(); }));
  EXPECT_TRUE(written(replica.maps));
  EXPECT_EQ(data(), data_of(footprint({"a"}, "other"))) << "what was set meanwhile is newer";
}

TEST_F(FootprintConfigMapsTest, ANewListMovesTheMomentAsOfWhichAllIsKnown) {
  auto& maps = start({"a"});
  const auto before = maps.known_as_of();
  maps.read_again();
  EXPECT_EQ(maps.known_as_of(), before) << "not before it is complete";
  EXPECT_TRUE(until([&] { return maps.known_as_of() > before; }));
}

TEST_F(FootprintConfigMapsTest, WhetherATargetIsForgottenIsOneOfThreeWords) {
  auto& one = start({"a"});
  auto& two = start({"b"});
  for (const auto& [forgotten, keeps, word] :
       {std::tuple{true, true, "kept"}, std::tuple{false, false, "false"}, std::tuple{true, false, "true"}}) {
    Footprint remembered = footprint({"a"});
    remembered.forgotten = forgotten;
    remembered.keeps = keeps;
    one.set("pull", remembered);
    ASSERT_TRUE(until([&] { return data() && data()->at(forgotten_key) == word; })) << word;
    EXPECT_TRUE(until([&] {
      return two.find("pull") != nullptr && two.find("pull")->forgotten == forgotten &&
             two.find("pull")->keeps == keeps;
    })) << word;
  }
}

TEST_F(FootprintConfigMapsTest, EachWritesWhatIsItsOwn) {
  auto& one = start({"a"});
  auto& two = start({"b"});
  one.set("pull", footprint({"a"}));
  ASSERT_TRUE(knows(two, footprint({"a"})));
  two.set("pull", footprint({"a", "b"}));
  ASSERT_TRUE(knows(one, footprint({"a", "b"})));
  one.set("pull", footprint({"a", "b"}, "other"));
  ASSERT_TRUE(written(one));
  Footprint wanted = footprint({"a", "b"});
  wanted.contexts["a"] = footprint({"a"}, "other").contexts["a"];
  EXPECT_EQ(data(), data_of(wanted)) << "of another's context the hub is right, whatever this one thinks";
  EXPECT_EQ(*one.find("pull"), wanted);
  EXPECT_TRUE(knows(two, wanted));
}

TEST_F(FootprintConfigMapsTest, OneOfWhichNothingIsRememberedAnyMoreIsRemoved) {
  auto& one = start({"a"});
  auto& two = start({"b"});
  one.set("pull", footprint({"a"}));
  two.set("pull", footprint({"b"}));
  ASSERT_TRUE(knows(one, footprint({"a", "b"})));
  one.set("pull", {});
  ASSERT_TRUE(written(one));
  EXPECT_EQ(data(), data_of(footprint({"b"}))) << "the other's is left";
  ASSERT_TRUE(knows(two, footprint({"b"})));
  two.set("pull", {});
  EXPECT_TRUE(until([&] { return !data(); }));
  EXPECT_TRUE(until([&] { return one.find("pull") == nullptr; }));
}

TEST_F(FootprintConfigMapsTest, WhatTwoMakeInOneMomentIsPutTogether) {
  auto& maps = start({"a"});
  right_before("create", [this] { put(footprint({"b"})); });
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  EXPECT_EQ(data(), data_of(footprint({"a", "b"})));
  EXPECT_EQ(*maps.find("pull"), footprint({"a", "b"}));
  EXPECT_FALSE(maps.problem()) << "nothing is wrong";
}

TEST_F(FootprintConfigMapsTest, WhatAnotherAddsInOneMomentStays) {
  auto& maps = start({"a"});
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  right_before("patch", [this] { set_data(data_of(footprint({"a", "b"}))); });
  maps.set("pull", footprint({"a"}, "other"));
  ASSERT_TRUE(written(maps));
  Footprint wanted = footprint({"a", "b"});
  wanted.contexts["a"] = footprint({"a"}, "other").contexts["a"];
  EXPECT_EQ(data(), data_of(wanted));
  EXPECT_TRUE(knows(maps, wanted));
}

// Data that is not there is made whole, which would replace what somebody else made of it.
TEST_F(FootprintConfigMapsTest, AnEmptyOneIsFilledAsItWasSeen) {
  auto& maps = start({"a"});
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  kube_.edit(config_map, [](json& object) { object.erase("data"); });
  ASSERT_TRUE(until([&] { return maps.find("pull") == nullptr; }));
  right_before("patch", [this] { set_data(data_of(footprint({"b"}))); });
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  EXPECT_EQ(data(), data_of(footprint({"a", "b"})));
}

TEST_F(FootprintConfigMapsTest, OneThatIsRemovedStaysWhenAnotherAddsToItInThatMoment) {
  auto& maps = start({"a"});
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  right_before("delete", [this] { set_data(data_of(footprint({"b"}))); });
  maps.set("pull", {});
  ASSERT_TRUE(knows(maps, footprint({"b"})));
  ASSERT_TRUE(written(maps));
  EXPECT_EQ(data(), data_of(footprint({"b"})));
}

TEST_F(FootprintConfigMapsTest, WhatIsTakenAwayMayBeGoneAlready) {
  auto& maps = start({"a", "b"});
  maps.set("pull", footprint({"a", "b"}));
  ASSERT_TRUE(written(maps));
  right_before("patch", [this] { set_data(data_of(footprint({"b", "c"}))); });
  maps.set("pull", footprint({"b"}));
  ASSERT_TRUE(written(maps));
  EXPECT_EQ(data(), data_of(footprint({"b", "c"})));
  EXPECT_EQ(*maps.find("pull"), footprint({"b", "c"}));
  EXPECT_FALSE(maps.problem());
}

TEST_F(FootprintConfigMapsTest, ARemovalIsNotTakenBackByAReplicaThatHasNotSeenIt) {
  auto& maps = start({"a"});
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  Footprint removed = footprint({"a"}, "other");
  removed.forgotten = true;
  right_before("patch", [&] { kube_.edit(config_map, [](json& object) { object["data"][forgotten_key] = "true"; }); });
  maps.set("pull", footprint({"a"}, "other"));
  ASSERT_TRUE(written(maps));
  EXPECT_EQ(data(), data_of(removed));
  EXPECT_TRUE(knows(maps, removed));
  maps.set("pull", footprint({"a"}, "other"));
  EXPECT_TRUE(until([&] { return data() == data_of(footprint({"a"}, "other")); })) << "its own word counts";
}

TEST_F(FootprintConfigMapsTest, AnEventThatIsOlderThanAnAnswerTellsNothing) {
  auto& maps = start({"a"});
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  const Footprint newer = footprint({"a"}, "other");
  replicas_.back().on_change = [&] {
    if (!maps.is_pending("pull", "a")) {
      EXPECT_EQ(maps.find("pull")->contexts.at("a"), newer.contexts.at("a"));
    }
  };
  right_before("patch", [this] { set_data(data_of(footprint({"a", "b"}))); });
  maps.set("pull", newer);
  EXPECT_TRUE(until([&] { return !maps.is_pending("pull", "a") && maps.find("pull")->contexts.contains("b"); }));
  // What comes after it was seen, so the events before were.
  kube_.put({"configmaps", "fleet", "regsync-fleet-web"}, object_of("web", data_of(footprint({"c"}))));
  EXPECT_TRUE(until([&] { return maps.find("web") != nullptr; }));
  replicas_.back().on_change = [] {};
}

TEST_F(FootprintConfigMapsTest, ARemovalByAnotherIsOneElsewhere) {
  auto& one = start({"a"});
  auto& two = start({"b"});
  one.set("pull", footprint({"a"}));
  ASSERT_TRUE(knows(two, footprint({"a"})));
  EXPECT_FALSE(one.removed_elsewhere("pull"));
  Footprint removed = footprint({"a"});
  removed.forgotten = true;
  two.set("pull", removed);
  ASSERT_TRUE(knows(one, removed));
  EXPECT_TRUE(one.removed_elsewhere("pull"));
  EXPECT_FALSE(one.removed_elsewhere("other"));
  one.note_files(std::set<std::string>{"pull"});
  EXPECT_TRUE(one.removed_elsewhere("pull")) << "its file here may only be older";
  one.note_files(std::set<std::string>());
  EXPECT_FALSE(one.removed_elsewhere("pull")) << "one that appears after this is newer";
}

// The file may be put back before this replica has seen that it was gone.
TEST_F(FootprintConfigMapsTest, ARemovalElsewhereIsOverWhenAReplicaHasTheTargetAgain) {
  auto& one = start({"a"});
  auto& two = start({"b"});
  one.set("pull", footprint({"a"}));
  ASSERT_TRUE(knows(two, footprint({"a"})));
  Footprint removed = footprint({"a"});
  removed.forgotten = true;
  two.set("pull", removed);
  ASSERT_TRUE(knows(one, removed));
  removed.contexts.clear();  // nothing is left of it
  one.set("pull", removed);
  ASSERT_TRUE(until([&] { return !data() && two.find("pull") == nullptr; }));
  EXPECT_TRUE(one.removed_elsewhere("pull")) << "its file here may still be older";
  two.set("pull", footprint({"b"}));
  ASSERT_TRUE(knows(one, footprint({"b"})));
  EXPECT_FALSE(one.removed_elsewhere("pull"));
}

TEST_F(FootprintConfigMapsTest, AReplicaThatComesAfterARemovalHadNoFileWhenItHappened) {
  Footprint removed = footprint({"a"});
  removed.forgotten = true;
  put(removed);
  auto& maps = start({"a"});
  EXPECT_EQ(*maps.find("pull"), removed);
  EXPECT_FALSE(maps.removed_elsewhere("pull"));
}

// What was to stay unmanaged stays so in the contexts of all replicas, also where only one has the file again.
TEST_F(FootprintConfigMapsTest, WhatIsKeptStaysKeptWhenTheTargetIsBackElsewhere) {
  Footprint removed = footprint({"a", "b"});
  removed.forgotten = true;
  removed.keeps = true;
  put(removed);
  auto& maps = start({"a"});
  ASSERT_TRUE(maps.find("pull")->keeps_in("a"));
  kube_.edit(config_map, [](json& object) { object["data"][forgotten_key] = "false"; });
  Footprint back = footprint({"a", "b"});
  back.kept = {"a"};
  ASSERT_TRUE(knows(maps, back));
  ASSERT_TRUE(written(maps));
  EXPECT_EQ(data(), data_of(back)) << "whoever serves the other context says so of that";
}

TEST_F(FootprintConfigMapsTest, OneThatCannotBeReadIsAProblemAndNotNothing) {
  for (const json& broken :
       {json{{"x", "no JSON"}}, json{{"x", R"({"context": 3})"}}, json{{"x", R"({"context": "a", "kept": false})"}},
        json{{"x", "[]"}}, json{{forgotten_key, "maybe"}}}) {
    kube_.put(config_map, object_of("pull", broken));
    auto& maps = start({"a"});
    ASSERT_THAT(maps.unreadable(), Contains(Key("pull"))) << broken;
    EXPECT_THAT(maps.unreadable().at("pull").message(), HasSubstr("fleet/regsync-fleet-pull"));
    EXPECT_EQ(maps.find("pull"), nullptr);
    EXPECT_THROW(maps.set("pull", footprint({"a"})), Error);
    maps.set("web", footprint({"a"}));
    ASSERT_TRUE(until([&] { return !maps.is_pending("web", "a"); })) << "the others are written";
    EXPECT_EQ(data(), broken) << "a person has to look at it";
    maps.set("web", {});
    ASSERT_TRUE(until([&] { return !kube_.find({"configmaps", "fleet", "regsync-fleet-web"}); }));
    kube_.erase(config_map);
    ASSERT_TRUE(until([&] { return maps.unreadable().empty(); })) << "who removed it knows";
    stop(maps);
  }
}

TEST_F(FootprintConfigMapsTest, OneThatBecomesUnreadableIsForgottenUntilItIsWholeAgain) {
  auto& maps = start({"a"});
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  const json whole = data().value();
  right_before("patch", [this] { kube_.edit(config_map, [](json& object) { object["data"]["x"] = "no JSON"; }); });
  maps.set("pull", footprint({"a"}, "other"));
  ASSERT_TRUE(until([&] { return maps.unreadable().contains("pull"); }));
  EXPECT_EQ(maps.find("pull"), nullptr);
  EXPECT_FALSE(maps.is_pending("pull", "a"));
  EXPECT_EQ(data()->at("x"), "no JSON");
  set_data(whole);
  EXPECT_TRUE(knows(maps, footprint({"a"})));
  EXPECT_THAT(maps.unreadable(), IsEmpty());
}

TEST_F(FootprintConfigMapsTest, WhatSomebodyDeletedIsWrittenAgainByWhoseItIs) {
  auto& maps = start({"a"});
  put(footprint({"a", "b"}));
  ASSERT_TRUE(knows(maps, footprint({"a", "b"})));
  kube_.erase(config_map);
  EXPECT_TRUE(until([&] { return data() == data_of(footprint({"a"})); }));
  EXPECT_TRUE(knows(maps, footprint({"a"})));
}

TEST_F(FootprintConfigMapsTest, WhatWentUnseenIsFoundByTheNextList) {
  auto& maps = start({"a"});
  put(footprint({"b"}));
  ASSERT_TRUE(knows(maps, footprint({"b"})));
  kube_.cluster.remove(config_map, {});  // no watch is told
  ASSERT_TRUE(read_again(maps));
  EXPECT_EQ(maps.find("pull"), nullptr);
}

TEST_F(FootprintConfigMapsTest, WhatCannotBeWrittenStaysPendingAndIsWrittenLater) {
  auto& maps = start({"a"});
  kube_.forbids = [](const ApiRequest& request) { return request.verb == "create"; };
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(until([&] { return maps.problem().has_value(); }));
  EXPECT_EQ(maps.problem()->code(), ErrorCode::forbidden);
  EXPECT_TRUE(maps.is_pending("pull", "a"));
  EXPECT_EQ(*maps.find("pull"), footprint({"a"}));
  kube_.forbids = [](const ApiRequest&) { return false; };
  ASSERT_TRUE(read_again(maps));
  ASSERT_TRUE(written(maps));
  EXPECT_TRUE(until([&] { return !maps.problem(); }));
  EXPECT_EQ(data(), data_of(footprint({"a"})));
}

TEST_F(FootprintConfigMapsTest, OneOfSomebodyElseUnderItsNameStays) {
  const json theirs{{"data", {{"theirs", "yes"}}}};
  kube_.put(config_map, theirs);
  auto& maps = start({"a"});
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(until([&] { return maps.problem().has_value(); }));
  EXPECT_EQ(maps.problem()->code(), ErrorCode::already_exists);
  EXPECT_THAT(maps.problem()->message(), AllOf(HasSubstr("fleet/regsync-fleet-pull"), HasSubstr("target \"pull\"")));
  EXPECT_THAT(maps.problem()->remedy(), HasSubstr("remove it"));
  EXPECT_TRUE(maps.is_pending("pull", "a"));
  EXPECT_EQ(data(), theirs.at("data"));
  kube_.erase(config_map);
  ASSERT_TRUE(read_again(maps));
  EXPECT_TRUE(written(maps));
  EXPECT_EQ(data(), data_of(footprint({"a"})));
}

TEST_F(FootprintConfigMapsTest, OtherOwnersAndCopiesAreNotLookedAt) {
  kube_.put({"configmaps", "fleet", "regsync-other-pull"}, object_of("pull", data_of(footprint({"x"})), "other"));
  kube_.put({"configmaps", "fleet", "a-backup"}, object_of("pull", data_of(footprint({"y"}))));
  auto& maps = start({"a"});
  EXPECT_THAT(maps.all(), IsEmpty());
  EXPECT_THAT(maps.unreadable(), IsEmpty());
}

TEST_F(FootprintConfigMapsTest, TheNameIsOneThatObjectsMayHave) {
  auto& maps = start({"a"}, "Team_A");
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  const auto object = kube_.find({"configmaps", "fleet", "regsync-team-a-pull"});
  ASSERT_TRUE(object);
  EXPECT_EQ(object->at("metadata").at("labels").at("regsync.dev/footprints"), "Team_A");
}

// The replica that serves it now may have written already.
TEST_F(FootprintConfigMapsTest, WhatAnotherServesByNowIsNotSent) {
  auto& maps = start({"a"});
  kube_.transport.hold();
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(until([&] { return kube_.transport.count("POST") > 0; }));
  replicas_.back().serves.clear();
  kube_.transport.release();
  ASSERT_TRUE(written(maps));
  EXPECT_FALSE(data());
  EXPECT_EQ(maps.find("pull"), nullptr) << "of what is not its own the hub is right";
}

TEST_F(FootprintConfigMapsTest, AtItsEndWhatIsPendingIsWritten) {
  auto& maps = start({"a"});
  kube_.transport.hold();
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(until([&] { return kube_.transport.count("POST") > 0; }));
  maps.set("web", footprint({"a"}, "other"));  // while the first one is under way
  const test::Background ending(loop_, maps.stop());
  ASSERT_FALSE(until([&] { return ending.done(); }, std::chrono::milliseconds(5)));
  kube_.transport.release();
  ASSERT_TRUE(until([&] { return ending.done(); }));
  EXPECT_EQ(data(), data_of(footprint({"a"})));
  EXPECT_EQ(kube_.find({"configmaps", "fleet", "regsync-fleet-web"})->at("data"), data_of(footprint({"a"}, "other")));
  EXPECT_FALSE(maps.is_pending("pull", "a"));
}

TEST_F(FootprintConfigMapsTest, AtItsEndNothingIsWrittenOverWhatWasNeverRead) {
  put(footprint({"b"}));
  kube_.transport.hold();
  Replica& replica = replicas_.emplace_back(loop_, kube_, std::set<std::string>{"a"}, "fleet");
  replica.maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(until([&] { return kube_.transport.count("GET") > 0; }));
  stop(replica.maps);
  kube_.transport.release();
  EXPECT_EQ(data(), data_of(footprint({"b"})));
}

// Its own removal: the file may come back while the hub is still being told of another target.
TEST_F(FootprintConfigMapsTest, ItsOwnRemovalIsNotOneElsewhere) {
  auto& maps = start({"a"});
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  Footprint removed = footprint({"a"});
  removed.forgotten = true;
  maps.set("pull", removed);
  ASSERT_TRUE(until([&] { return data() && data()->at(forgotten_key) == "true"; }));
  ASSERT_TRUE(read_again(maps));  // the answer and the event were seen
  EXPECT_FALSE(maps.removed_elsewhere("pull"));
  maps.set("pull", footprint({"a"}));  // its file is back
  ASSERT_TRUE(until([&] { return data()->at(forgotten_key) == "false"; }));
  auto& other = start({"b"});
  Footprint again = footprint({"a"});
  again.forgotten = true;
  other.set("pull", again);
  ASSERT_TRUE(knows(maps, again));
  EXPECT_TRUE(maps.removed_elsewhere("pull")) << "this one is another's";
}

TEST_F(FootprintConfigMapsTest, ItsOwnRemovalIsTakenBackByAFileThatComesWhileAnotherTargetIsWritten) {
  auto& maps = start({"a"});
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  Replica& replica = replicas_.back();
  std::set<std::string> files{"web"};
  replica.on_change = [&] { maps.note_files(files); };  // Engine::footprints_changed
  bool back = false;
  kube_.forbids = [&](const ApiRequest& request) {  // the hub is slow with the second one
    if (request.key.name.empty() && request.verb == "create" && !back) {
      back = true;
      files.insert("pull");
      maps.note_files(files);  // Engine::set_targets
      EXPECT_FALSE(maps.removed_elsewhere("pull"));
    }
    return false;
  };
  Footprint removed = footprint({"a"});
  removed.forgotten = true;
  maps.set("pull", removed);
  maps.set("web", footprint({"a"}));
  ASSERT_TRUE(until([&] { return back; }));
  ASSERT_TRUE(until([&] { return !maps.is_pending("web", "a"); }));
  EXPECT_FALSE(maps.removed_elsewhere("pull"));
  replica.on_change = [] {};
}

TEST_F(FootprintConfigMapsTest, WhatAnOlderStoreOfTheHubLacksIsWrittenAgain) {
  auto& one = start({"a"});
  auto& two = start({"b"});
  one.set("pull", footprint({"a"}, "old"));
  ASSERT_TRUE(knows(two, footprint({"a"}, "old")));
  const test::FakeCluster backup = kube_.cluster;
  for (int i = 0; i < 5; ++i) {
    one.set("pull", footprint({"a"}, "newer" + std::to_string(i)));
    ASSERT_TRUE(written(one));
  }
  ASSERT_TRUE(knows(two, footprint({"a"}, "newer4")));
  kube_.cluster.restore(backup);
  ASSERT_TRUE(read_again(one));
  ASSERT_TRUE(read_again(two));
  EXPECT_TRUE(until([&] { return data() == data_of(footprint({"a"}, "newer4")); }, std::chrono::milliseconds(1500)));
  two.set("pull", footprint({"a", "b"}, "b"));  // a further write, of lower version than one knows
  EXPECT_TRUE(until([&] { return one.find("pull")->contexts.contains("b"); }, std::chrono::milliseconds(1500)));
}

// Whether a target was removed, in both directions: of a removal since the backup, and of one that was taken back.
TEST_F(FootprintConfigMapsTest, AnOlderStoreOfTheHubNeitherUndoesARemovalNorMakesOne) {
  auto& one = start({"a"});
  auto& two = start({"b"});
  for (const bool removed : {true, false}) {
    SCOPED_TRACE(removed);
    Footprint then = footprint({"a"});
    then.forgotten = !removed;
    one.set("pull", then);
    ASSERT_TRUE(knows(two, then));
    const test::FakeCluster backup = kube_.cluster;
    Footprint now = footprint({"a"}, "now");
    now.forgotten = removed;
    one.set("pull", now);
    ASSERT_TRUE(knows(two, now));
    kube_.cluster.restore(backup);
    ASSERT_TRUE(read_again(one));
    ASSERT_TRUE(read_again(two));
    EXPECT_TRUE(until([&] { return data() == data_of(now); }, std::chrono::milliseconds(1500))) << data()->dump();
    EXPECT_TRUE(knows(one, now));
    EXPECT_TRUE(knows(two, now));
    EXPECT_FALSE(one.removed_elsewhere("pull"));
    EXPECT_EQ(two.removed_elsewhere("pull"), removed);
  }
}

TEST_F(FootprintConfigMapsTest, ADefectInAWriteIsShownAndTheNextTryIsMade) {
  auto& maps = start({"a"});
  const std::string config_maps = "/api/v1/namespaces/fleet/configmaps";
  kube_.transport.on("POST", config_maps,
                     [](const kube::HttpRequest&) -> kube::HttpResponse { throw std::runtime_error("a defect"); });
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(until([&] { return maps.problem().has_value(); }));
  EXPECT_EQ(maps.problem()->code(), ErrorCode::internal);
  EXPECT_TRUE(maps.is_pending("pull", "a"));
  kube_.transport.forget_scripts("POST", config_maps);
  ASSERT_TRUE(read_again(maps));
  ASSERT_TRUE(written(maps));
  EXPECT_TRUE(until([&] { return !maps.problem(); }));
  EXPECT_EQ(data(), data_of(footprint({"a"})));
}

// It is read because somebody else was faster.
TEST_F(FootprintConfigMapsTest, ADefectInAReadIsShownAndTheNextTryIsMade) {
  auto& maps = start({"a"});
  const std::string path = "/api/v1/namespaces/fleet/configmaps/regsync-fleet-pull";
  right_before("create", [this] { put(footprint({"b"})); });
  kube_.transport.on("GET", path,
                     [](const kube::HttpRequest&) -> kube::HttpResponse { throw std::runtime_error("a defect"); });
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(until([&] { return maps.problem().has_value(); }));
  EXPECT_EQ(maps.problem()->code(), ErrorCode::internal);
  kube_.transport.forget_scripts("GET", path);
  ASSERT_TRUE(read_again(maps));
  ASSERT_TRUE(written(maps));
  EXPECT_EQ(data(), data_of(footprint({"a", "b"})));
}

// As of an admission webhook.
TEST_F(FootprintConfigMapsTest, WhatIsRefusedAsIfItHadChangedIsNotTriedAgainAtOnce) {
  auto& maps = start({"a"});
  maps.set("pull", footprint({"a"}));
  ASSERT_TRUE(written(maps));
  kube_.transport.on("PATCH", "", [](const kube::HttpRequest&) {
    return test::FakeTransport::respond(422, test::status_answer(422, "Invalid", "no").body.dump());
  });
  maps.set("pull", footprint({"a"}, "other"));
  until([] { return false; }, std::chrono::milliseconds(500));
  EXPECT_LE(kube_.transport.count("PATCH"), 2U);
  EXPECT_TRUE(maps.problem());
}

}  // namespace
}  // namespace regsync
