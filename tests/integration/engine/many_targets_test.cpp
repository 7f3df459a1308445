// Many targets in one context: their Secrets are watched by label, and everything else is as with few. The engine
// against API servers in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/engine/engine_world.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class ManyTargets : public testing::Test {
 protected:
  static constexpr int many = 20;

  explicit ManyTargets(const std::vector<std::string>& contexts = {"a"}) : world_(contexts) {
    world_.login("ghcr.io", "first");
    for (const auto& [context, server] : world_.servers()) {
      server->make_namespace("team");
    }
    for (int i = 0; i < many; ++i) {
      world_.put_target(target(i));
    }
  }

  static std::string name(int number) { return "t" + std::to_string(number); }
  static FakeCluster::Key key(int number) { return {"secrets", "team", "s" + std::to_string(number)}; }
  static Target target(int number) {
    auto made = make_target();
    made.name = name(number);
    made.secret = key(number).name;
    return made;
  }
  void begin() {
    world_.start();
    world_.sync();
  }
  FakeApiServer& server() { return world_.server(); }
  bool has(int number, const std::string& password) {
    const auto secret = server().find(key(number));
    return secret && entries_of(*secret) == std::map<std::string, std::string>{{"ghcr.io", "jdoe:" + password}};
  }
  bool all_have(const std::string& password, int from = 0) {
    for (int i = from; i < many; ++i) {
      if (!has(i, password)) {
        return false;
      }
    }
    return true;
  }
  std::size_t watches_by_name() {
    std::size_t count = 0;
    for (const auto& request : server().requests()) {
      count += request.verb == "watch" && request.parameter("fieldSelector").starts_with("metadata.name=s") ? 1 : 0;
    }
    return count;
  }
  void change(int number, const std::function<void(json&)>& edit) {
    auto object = server().find(key(number)).value();
    edit(object);
    object["metadata"].erase("resourceVersion");
    server().put(key(number), object);
  }

  EngineWorld world_;
};

TEST_F(ManyTargets, TakeOneWatch) {
  begin();
  EXPECT_TRUE(all_have("first"));
  EXPECT_TRUE(world_.until([&] { return server().open_watches() == 2; })) << "of namespaces, and of Secrets";
  EXPECT_EQ(watches_by_name(), 0U);
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return all_have("second"); }));
  server().erase(key(4));
  EXPECT_TRUE(world_.until([&] { return has(4, "second"); }));
}

TEST_F(ManyTargets, ARestartOverThemWritesNothing) {
  begin();
  world_.forget_requests();
  world_.restart();
  world_.sync();
  EXPECT_EQ(world_.writes(), 0U);
  EXPECT_EQ(server().count("get", "secrets"), 0U);
  EXPECT_EQ(world_.state("team", "a", name(7)), SyncState::in_sync);
}

TEST_F(ManyTargets, WhatIsNotOursStaysAndIsFollowed) {
  server().put(key(7), foreign_secret());
  begin();
  EXPECT_EQ(world_.cause("team", "a", name(7)), ErrorCode::not_owned);
  EXPECT_EQ(server().find(key(7)).value().at("data"), foreign_secret().at("data"));
  EXPECT_TRUE(all_have("first", 8));
  EXPECT_TRUE(world_.until([&] { return watches_by_name() > 0; }));
  server().erase(key(7));
  EXPECT_TRUE(world_.until([&] { return has(7, "first"); }));
}

TEST_F(ManyTargets, APersonAdoptsWhatIsNotOurs) {
  server().put(key(7), foreign_secret());
  begin();
  world_.sync(name(7), /*adopt=*/true);
  EXPECT_TRUE(has(7, "first"));
  EXPECT_EQ(world_.state("team", "a", name(7)), SyncState::in_sync);
}

TEST_F(ManyTargets, ASecretThatLostItsLabelIsNotMadeAgainNorDeleted) {
  begin();
  const auto uid = server().find(key(7)).value().at("metadata").at("uid");
  change(7, [](json& object) { object["metadata"].erase("labels"); });
  EXPECT_TRUE(world_.until([&] { return world_.cause("team", "a", name(7)) == ErrorCode::not_owned; }));
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return all_have("second", 8); }));
  EXPECT_TRUE(has(7, "first"));
  world_.forget_target(name(7));
  world_.sync();
  EXPECT_EQ(server().find(key(7)).value().at("metadata").at("uid"), uid) << "it is not ours any more";
  EXPECT_EQ(server().count("delete"), 0U);
}

TEST_F(ManyTargets, ARemovedTargetTakesItsSecretAndNoOther) {
  begin();
  world_.forget_target(name(3));
  world_.sync();
  EXPECT_FALSE(server().find(key(3)));
  EXPECT_EQ(server().count("delete"), 1U);
  EXPECT_TRUE(all_have("first", 4));
}

TEST_F(ManyTargets, WithTheRightsOfARoleTheyAreWatchedByName) {
  server().deny_unnamed("secrets");
  server().put(key(7), foreign_secret());
  begin();
  EXPECT_TRUE(all_have("first", 8));
  EXPECT_EQ(world_.cause("team", "a", name(7)), ErrorCode::not_owned);
  EXPECT_TRUE(world_.until([&] { return server().open_watches() == many + 1U; }));
  server().erase(key(4));
  EXPECT_TRUE(world_.until([&] { return has(4, "first"); }));
  server().erase(key(7));
  EXPECT_TRUE(world_.until([&] { return has(7, "first"); }));

  server().allow_all();
  world_.forget_requests();
  world_.sync();
  EXPECT_TRUE(world_.until([&] { return server().open_watches() == 2; }));
  EXPECT_EQ(world_.writes(), 0U);
}

TEST_F(ManyTargets, ThatComeAndGoDeleteNothingThatIsWanted) {
  for (int i = 2; i < many; ++i) {
    world_.lose_target(name(i));
  }
  begin();
  EXPECT_TRUE(world_.until([&] { return watches_by_name() == 2; }));
  for (int i = 2; i < many; ++i) {
    world_.put_target(target(i));
  }
  EXPECT_TRUE(world_.until([&] { return all_have("first") && server().open_watches() == 2; }));
  for (int i = 2; i < many; ++i) {
    world_.forget_target(name(i));
  }
  EXPECT_TRUE(world_.until([&] { return server().count("delete") == many - 2U; }));
  EXPECT_TRUE(world_.until([&] { return server().open_watches() == 3; })) << "of two names, and of namespaces";
  EXPECT_TRUE(has(0, "first"));
  EXPECT_TRUE(has(1, "first"));
  server().erase(key(1));
  EXPECT_TRUE(world_.until([&] { return has(1, "first"); }));
}

struct BadList {
  std::string name;
  Fault fault;
};

void PrintTo(const BadList& bad, std::ostream* out) { *out << bad.name; }

// NOLINTNEXTLINE(misc-multiple-inheritance): GoogleTest's way to a fixture with parameters
class BadLists : public ManyTargets, public testing::WithParamInterface<BadList> {};

TEST_P(BadLists, DeleteNothing) {
  begin();
  server().forget_requests();
  Fault fault = GetParam().fault;
  fault.resource = "secrets";
  fault.times = 2;
  server().inject(fault);
  server().compact();
  server().cut_watches();
  EXPECT_TRUE(world_.until([&] { return server().count("list", "secrets") >= 2; }));
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return all_have("second"); }));
  EXPECT_EQ(server().count("delete"), 0U);
}

INSTANTIATE_TEST_SUITE_P(OfOneWatch, BadLists,
                         testing::Values(BadList{"Error", {.kind = Fault::Kind::status, .verb = "list", .status = 500}},
                                         BadList{"Cut", {.kind = Fault::Kind::cut, .verb = "list", .bytes = 300}},
                                         BadList{"Garbage", {.kind = Fault::Kind::garbage, .verb = "list"}},
                                         BadList{"Closed", {.kind = Fault::Kind::close, .verb = "list"}},
                                         BadList{"Expired", {.kind = Fault::Kind::expired, .verb = "watch"}}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace regsync::test
