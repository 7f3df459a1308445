// How replicas share the slots of a fleet, over the HTTP seam: all in one loop, so that each step of each can be looked
// at. A replica that is stopped or gone is in tests/integration: a Lease says its time in seconds.
#include "sync/fleet/replicas.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <chrono>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_kube.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* request_annotation = "regsync.dev/requested-by";

// No lease ends, and no request is out of date, within a test; what is left is free after the difference of the two.
constexpr LeaseTimes times{.duration = 60'000ms, .deadline = 59'995ms, .retry = 10ms, .jitter = 1ms};
// What is left is free after the test only.
constexpr LeaseTimes long_leave{.duration = 60'000ms, .deadline = 30'000ms, .retry = 10ms, .jitter = 1ms};
// A request is out of date soon.
constexpr LeaseTimes short_request{.duration = 40ms, .deadline = 35ms, .retry = 10ms, .jitter = 1ms};

// Another answer would give every cluster another replica while a fleet is updated.
TEST(SlotOf, IsTheSameInEveryVersion) {
  const std::map<std::string, std::vector<std::size_t>> expected{
      {"https://10.0.0.1:6443", {0, 0, 0, 0}},
      {"https://api.prod.example:8443", {1, 1, 6, 6}},
      {"https://b", {1, 1, 1, 1}},
      {"https://c", {0, 0, 7, 7}},
      {"", {0, 0, 4, 4}},
  };
  for (const auto& [server, slots] : expected) {
    EXPECT_EQ(slot_of(server, 1), 0U) << server;
    EXPECT_EQ((std::vector{slot_of(server, 2), slot_of(server, 4), slot_of(server, 8), slot_of(server, 9)}), slots)
        << server;
  }
}

TEST(SlotOf, IsTheSameForEverySpellingOfAnAddress) {
  const std::map<std::string, std::vector<std::string>> spellings{
      {"https://b", {"https://b:443", "https://B", "HTTPS://b/", "https://b:443/"}},
      {"https://[::1]:6443/k8s", {"https://[::1]:6443/k8s/", "https://[0::1]:6443/k8s"}},
  };
  for (const auto& [address, others] : spellings) {
    for (const auto& other : others) {
      EXPECT_EQ(slot_of(other, 64), slot_of(address, 64)) << other;
    }
  }
  EXPECT_NE(slot_of("https://b/one", 64), slot_of("https://b/two", 64));
}

class ReplicasTest : public testing::Test {
 protected:
  class Replica {
   public:
    Replica(asio::io_context& loop, test::FakeKube& kube, std::string name, std::size_t slots, const LeaseTimes& with)
        : hub_(hub_context(), kube.transport.connect()),
          replicas_(
              loop.get_executor(), hub_,
              {.lease = "regsync", .slots = slots, .name_space = "fleet", .identity = std::move(name), .times = with},
              [] {}) {}

    Replicas* operator->() { return &replicas_; }

   private:
    static kube::ResolvedContext hub_context() {
      kube::ResolvedContext context;
      context.name = "hub";
      context.server = "https://hub.example";
      return context;
    }

    kube::KubeClient hub_;
    Replicas replicas_;
  };

  ReplicasTest() { kube_.make_namespace("fleet"); }
  void TearDown() override {
    kube_.forbids = [](const test::ApiRequest&) { return false; };  // that of a test may speak of what it had
    for (auto& replica : replicas_) {
      stop(replica);
    }
  }

  Replica& start(const std::string& name, std::size_t slots, const LeaseTimes& with = times) {
    return replicas_.emplace_back(loop_, kube_, name, slots, with);
  }
  void stop(Replica& replica) { test::run(loop_, replica->stop()); }

  // Looks after each step: no cluster is ever two replicas'.
  bool until(const std::function<bool()>& holds, std::chrono::milliseconds time = 30s) {
    return test::run_until(
        loop_,
        [&] {
          for (const auto& server : servers) {
            const auto owners = std::ranges::count_if(
                replicas_, [&](auto& replica) { return replica->mine_since(server).has_value(); });
            EXPECT_LE(owners, 1) << server;
          }
          return holds();
        },
        time);
  }

  // What each Lease says now, by its name.
  [[nodiscard]] std::map<std::string, std::string> told(const json::json_pointer& what) const {
    std::map<std::string, std::string> all;
    const test::Answer leases = kube_.cluster.list({"leases", "fleet", "", ""}, 0, "");
    for (const json& lease : leases.body.at("items")) {
      all[lease.at("metadata").at("name")] = lease.value(what, "");
    }
    return all;
  }
  [[nodiscard]] std::map<std::string, std::string> holders() const { return told("/spec/holderIdentity"_json_pointer); }
  // Who asks, one for each Lease that somebody asks for.
  [[nodiscard]] std::multiset<std::string> asking() const {
    std::multiset<std::string> who;
    for (const auto& [lease, asks] : told("/metadata/annotations/regsync.dev~1requested-by"_json_pointer)) {
      if (!asks.empty()) {
        who.insert(asks);
      }
    }
    return who;
  }
  // All that are held were renewed several times since; or this one was.
  bool have_turns(const std::string& only = {}) {
    bool passed = true;
    for (int i = 0; i < 3; ++i) {
      const auto before = told("/spec/renewTime"_json_pointer);
      passed = passed && until([&] {
                 const auto now = told("/spec/renewTime"_json_pointer);
                 return std::ranges::all_of(before, [&](const auto& lease) {
                   const bool counts = only.empty() ? !holders().at(lease.first).empty() : lease.first == only;
                   return !counts || now.at(lease.first) != lease.second;
                 });
               });
    }
    return passed;
  }
  void ask_for(const std::string& lease, const std::string& who) {
    kube_.edit({"leases", "fleet", lease}, [&](json& object) {
      if (who.empty()) {
        object["metadata"]["annotations"].erase(request_annotation);
      } else {
        object["metadata"]["annotations"][request_annotation] = who;
      }
    });
  }

  static inline const std::vector<std::string> servers{"https://a", "https://b", "https://c", "https://d",
                                                       "https://e", "https://f", "https://g", "https://h"};

  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  std::list<Replica> replicas_;
};

TEST_F(ReplicasTest, OneAloneHasAllSlots) {
  auto& a = start("a", 4);
  EXPECT_FALSE(a->settled());
  EXPECT_EQ(a->newest(), std::nullopt);
  ASSERT_TRUE(until([&] { return a->held() == 4; }));
  EXPECT_TRUE(a->settled());
  EXPECT_EQ(a->role(a->held()), "leads 4 of 4 slots");
  EXPECT_FALSE(a->note(a->held()));
  EXPECT_FALSE(a->problem());
  EXPECT_EQ(holders(), (std::map<std::string, std::string>{
                           {"regsync-0", "a"}, {"regsync-1", "a"}, {"regsync-2", "a"}, {"regsync-3", "a"}}));
  for (const auto& server : servers) {
    ASSERT_TRUE(a->mine_since(server)) << server;
    EXPECT_LE(*a->mine_since(server), *a->newest());
  }
}

TEST_F(ReplicasTest, TheLeaseOfOneSlotHasThePlainName) {
  auto& a = start("a", 1);
  ASSERT_TRUE(until([&] { return a->held() == 1; }));
  EXPECT_EQ(a->role(a->held()), "leads");
  EXPECT_EQ(holders(), (std::map<std::string, std::string>{{"regsync", "a"}}));
}

TEST_F(ReplicasTest, ThoseThatBeginTogetherShareTheSlotsEvenly) {
  auto& a = start("a", 4);
  auto& b = start("b", 4);
  EXPECT_TRUE(until([&] { return a->held() == 2 && b->held() == 2; }));
  ASSERT_TRUE(have_turns());
  EXPECT_EQ(a->held(), 2U) << "who has its share leaves the other its own";
  EXPECT_EQ(b->held(), 2U);
}

TEST_F(ReplicasTest, OneThatComesLaterGetsItsShareSlotBySlot) {
  auto& a = start("a", 4);
  ASSERT_TRUE(until([&] { return a->held() == 4; }));
  auto& b = start("b", 4);
  EXPECT_TRUE(until([&] {
    EXPECT_GE(a->held() + b->held(), 3U) << "no more than one is on its way";
    EXPECT_LE(asking().size(), 1U);
    return a->held() == 2 && b->held() == 2;
  }));
  ASSERT_TRUE(have_turns());
  EXPECT_EQ(a->held(), 2U);
  EXPECT_EQ(b->held(), 2U);
  EXPECT_THAT(asking(), IsEmpty()) << "a request is over when it was granted";
}

TEST_F(ReplicasTest, WhatCannotBeSharedEvenlyStaysWhereItIs) {
  auto& a = start("a", 3);
  ASSERT_TRUE(until([&] { return a->held() == 3; }));
  auto& b = start("b", 3);
  ASSERT_TRUE(until([&] { return a->held() == 2 && b->held() == 1; }));
  ASSERT_TRUE(have_turns());
  EXPECT_EQ(a->held(), 2U);
  EXPECT_EQ(b->held(), 1U);
  EXPECT_THAT(asking(), IsEmpty());
}

TEST_F(ReplicasTest, EachClusterIsServedByOneOfThem) {
  auto& a = start("a", 4);
  auto& b = start("b", 4);
  ASSERT_TRUE(until([&] { return a->held() == 2 && b->held() == 2; }));
  const auto who = holders();
  for (const auto& server : servers) {
    const bool is_of_a = who.at("regsync-" + std::to_string(slot_of(server, 4))) == "a";
    EXPECT_EQ(a->mine_since(server).has_value(), is_of_a) << server;
    EXPECT_EQ(b->mine_since(server).has_value(), !is_of_a) << server;
  }
}

TEST_F(ReplicasTest, WhatOneLeavesTheOthersShare) {
  auto& a = start("a", 4);
  auto& b = start("b", 4);
  ASSERT_TRUE(until([&] { return a->held() == 2 && b->held() == 2; }));
  auto& c = start("c", 4);
  ASSERT_TRUE(until([&] { return c->held() == 1 && a->held() + b->held() == 3; }));
  stop(a);
  EXPECT_TRUE(until([&] { return b->held() == 2 && c->held() == 2; }));
}

TEST_F(ReplicasTest, WhatIsFreeAboveItsShareIsLeftToTheOthers) {
  for (const char* lease : {"regsync-2", "regsync-3"}) {
    kube_.put({"leases", "fleet", lease}, {{"spec", {{"holderIdentity", "x"}, {"leaseDurationSeconds", 15}}}});
  }
  const auto free = [&](const std::string& lease) {
    kube_.edit({"leases", "fleet", lease}, [](json& object) { object["spec"]["holderIdentity"] = ""; });
  };
  auto& a = start("a", 4);
  ASSERT_TRUE(until([&] { return a->held() == 2; }));
  free("regsync-3");
  ASSERT_TRUE(have_turns("regsync-0"));
  EXPECT_EQ(a->held(), 2U) << "x has one, and may take this one again";
  EXPECT_EQ(holders().at("regsync-3"), "");
  free("regsync-2");
  EXPECT_TRUE(until([&] { return a->held() == 4; })) << "nobody else is left";
}

// What was sent while it was held may still be under way.
TEST_F(ReplicasTest, WhatIsLeftIsNobodysBeforeItIsFree) {
  auto& a = start("a", 2, long_leave);
  ASSERT_TRUE(until([&] { return a->held() == 2; }));
  ask_for("regsync-1", "b");
  ASSERT_TRUE(until([&] { return a->held() == 1; }));
  EXPECT_EQ(holders().at("regsync-1"), "a") << "nobody else may take it yet";
  EXPECT_FALSE(a->mine_since("https://b"));
  ask_for("regsync-0", "b");
  ASSERT_TRUE(have_turns("regsync-0"));
  EXPECT_EQ(a->held(), 1U) << "the one that is on its way is counted as the other's";
}

TEST_F(ReplicasTest, ASlotThatIsBeingLeftIsTakenBackWhenNobodyAsksForItAnyMore) {
  auto& a = start("a", 4, long_leave);
  ASSERT_TRUE(until([&] { return a->held() == 4; }));
  const auto before = a->newest();
  ask_for("regsync-2", "b");
  ASSERT_TRUE(until([&] { return a->held() == 3; }));
  ask_for("regsync-2", "");
  ASSERT_TRUE(until([&] { return a->held() == 4; }));
  EXPECT_GT(a->newest(), before) << "it is held anew: somebody may have written in between";
}

TEST_F(ReplicasTest, ASlotThatWasLeftIsFreeForWhoAskedForIt) {
  auto& a = start("a", 4);
  ASSERT_TRUE(until([&] { return a->held() == 4; }));
  ask_for("regsync-2", "b");
  ASSERT_TRUE(until([&] { return holders().at("regsync-2").empty(); }));
  ASSERT_TRUE(have_turns());
  EXPECT_EQ(holders().at("regsync-2"), "");
  auto& b = start("b", 4);
  EXPECT_TRUE(until([&] { return holders().at("regsync-2") == "b"; }));
  EXPECT_TRUE(until([&] { return a->held() == 2 && b->held() == 2; }));
}

TEST_F(ReplicasTest, ASlotThatWasLeftForOneThatDoesNotComeIsTakenAgain) {
  auto& a = start("a", 4, short_request);
  ASSERT_TRUE(until([&] { return a->held() == 4; }));
  const auto is_left = [&] { return holders().at("regsync-2").empty(); };
  // On a busy machine a request is out of date before it is seen: then another one asks.
  for (int i = 0; i < 100 && !is_left(); ++i) {
    ask_for("regsync-2", "b" + std::to_string(i));
    test::run_until(loop_, is_left, 100ms);
  }
  ASSERT_TRUE(is_left());
  EXPECT_TRUE(until([&] { return holders().at("regsync-2") == "a" && a->held() == 4; }));
}

// Of a process before a restart under the same name, or of one that was away for long.
TEST_F(ReplicasTest, ARequestThatIsOutOfDateIsMadeAgain) {
  auto& a = start("a", 2, short_request);
  ASSERT_TRUE(until([&] { return a->held() == 2; }));
  for (const auto* lease : {"regsync-0", "regsync-1"}) {
    ask_for(lease, "b");
  }
  test::run_until(loop_, [] { return false; }, 2 * short_request.duration + 20ms);
  auto& b = start("b", 2, short_request);
  EXPECT_TRUE(until([&] { return a->held() == 1 && b->held() == 1; }));
}

TEST_F(ReplicasTest, ARequestIsNotGrantedThatWouldLeaveItsHolderWithLess) {
  auto& a = start("a", 1);
  ASSERT_TRUE(until([&] { return a->held() == 1; }));
  ask_for("regsync", "b");
  ASSERT_TRUE(have_turns());
  EXPECT_EQ(a->held(), 1U);
  EXPECT_EQ(holders().at("regsync"), "a");
}

TEST_F(ReplicasTest, WhoStandsBySaysWhoLeads) {
  auto& a = start("a", 2);
  auto& b = start("b", 2);
  ASSERT_TRUE(until([&] { return a->held() == 1 && b->held() == 1; }));
  auto& c = start("c", 2);
  EXPECT_THAT(c->note(c->held()).value().message(), HasSubstr("no replica holds the lease regsync yet"));
  ASSERT_TRUE(until([&] { return c->settled(); }));
  ASSERT_TRUE(have_turns());
  EXPECT_EQ(c->held(), 0U);
  EXPECT_EQ(c->role(c->held()), "stands by");
  EXPECT_THAT(c->note(c->held()).value().message(), HasSubstr("a, b hold the lease regsync"));
  EXPECT_THAT(asking(), IsEmpty()) << "who has one has no more than its share";
  stop(b);
  EXPECT_TRUE(until([&] { return c->held() == 1; })) << "it takes over when a holder ends";
  EXPECT_THAT(c->note(c->held()).value().message(),
              HasSubstr("leads 1 of 2 slots, and shows their clusters alone; the others "));
  stop(a);
  EXPECT_TRUE(until([&] { return c->held() == 2; }));
  EXPECT_FALSE(c->note(c->held()));
}

TEST_F(ReplicasTest, AtItsEndAllItsSlotsAreFree) {
  auto& a = start("a", 4);
  ASSERT_TRUE(until([&] { return a->held() == 4; }));
  ask_for("regsync-2", "b");
  ASSERT_TRUE(until([&] { return a->held() == 3; }));
  stop(a);
  EXPECT_EQ(a->held(), 0U);
  EXPECT_THAT(holders(), SizeIs(4));
  EXPECT_THAT(holders(), Each(testing::Pair(testing::_, ""))) << "also what it was leaving";
  ask_for("regsync-2", "");
  auto& c = start("c", 4);
  EXPECT_TRUE(until([&] { return c->held() == 4; })) << "without waiting for the time of the one that ended";
}

TEST_F(ReplicasTest, WhoHoldsNothingLeavesTheLeasesAsTheyAreAtItsEnd) {
  auto& a = start("a", 1);
  ASSERT_TRUE(until([&] { return a->held() == 1; }));
  auto& b = start("b", 1);
  ASSERT_TRUE(until([&] { return b->settled(); }));
  stop(b);
  EXPECT_EQ(holders().at("regsync"), "a");
  ASSERT_TRUE(have_turns());
  EXPECT_EQ(a->held(), 1U);
}

TEST_F(ReplicasTest, LeasesThatMayNotBeReadAreAProblem) {
  kube_.forbids = [](const test::ApiRequest& request) { return request.key.resource == "leases"; };
  auto& a = start("a", 2);
  ASSERT_TRUE(until([&] { return a->problem().has_value(); }));
  EXPECT_EQ(a->problem()->code(), ErrorCode::forbidden);
  EXPECT_THAT(a->problem()->message(), HasSubstr("the lease regsync-0 of this replica"));
  EXPECT_THAT(a->problem()->remedy(), HasSubstr("create, get, list, watch and patch leases in namespace fleet"));
  EXPECT_FALSE(a->settled());
  EXPECT_EQ(a->role(a->held()), "stands by");
}

TEST_F(ReplicasTest, LeasesThatMayNotBeWrittenAreAProblemUntilTheyMay) {
  bool denies = true;
  kube_.forbids = [&](const test::ApiRequest& request) { return denies && request.writes(); };
  auto& a = start("a", 2);
  ASSERT_TRUE(until([&] { return a->problem().has_value(); }));
  EXPECT_EQ(a->held(), 0U);
  EXPECT_FALSE(a->settled()) << "it can take over from nobody";
  denies = false;
  EXPECT_TRUE(until([&] { return a->held() == 2 && !a->problem(); }));
}

// A third one, which had less than its share, was faster.
TEST_F(ReplicasTest, ARequestForASlotThatAnotherTookKeepsNobodyFromAskingElsewhere) {
  const auto put = [&](const std::string& lease, const char* holder) {
    kube_.put({"leases", "fleet", lease}, {{"spec", {{"holderIdentity", holder}, {"leaseDurationSeconds", 60}}}});
  };
  put("regsync-0", "c");
  put("regsync-1", "b");
  put("regsync-2", "b");
  ask_for("regsync-0", "a");
  start("a", 3);
  EXPECT_TRUE(until([&] { return asking().count("a") == 2; }, 3s)) << "b has two, and this one none";
}

TEST_F(ReplicasTest, WhoHasTwoMoreIsAskedAlsoByOneThatHasItsShare) {
  for (const auto& [lease, holder] :
       {std::pair{"regsync-0", "x"}, {"regsync-1", "y"}, {"regsync-2", "z"}, {"regsync-3", "w"}}) {
    kube_.put({"leases", "fleet", lease}, {{"spec", {{"holderIdentity", holder}, {"leaseDurationSeconds", 60}}}});
  }
  auto& a = start("a", 5);
  ASSERT_TRUE(until([&] { return a->held() == 1; }));
  for (const char* lease : {"regsync-2", "regsync-3"}) {
    kube_.edit({"leases", "fleet", lease}, [](json& object) { object["spec"]["holderIdentity"] = "x"; });
  }
  EXPECT_TRUE(until([&] { return asking().count("a") == 1; }, 3s)) << "3, 1 and 1 are not even: 2, 2 and 1 are";
}

TEST_F(ReplicasTest, AFreeSlotIsNotLeftToWhoAskedForItAndHasAllItMayHave) {
  for (int i = 0; i < 4; ++i) {
    kube_.put({"leases", "fleet", "regsync-" + std::to_string(i)}, {{"spec",
                                                                     {{"holderIdentity", i < 1   ? "x"
                                                                                         : i < 3 ? "b"
                                                                                                 : "c"},
                                                                      {"leaseDurationSeconds", 60}}}});
  }
  ask_for("regsync-0", "b");
  auto& a = start("a", 5);
  ASSERT_TRUE(until([&] { return a->held() == 1; }));
  kube_.edit({"leases", "fleet", "regsync-0"}, [](json& object) { object["spec"]["holderIdentity"] = ""; });
  EXPECT_TRUE(until([&] { return a->held() == 2; }, 3s)) << "b has two of five already, and does not take it";
}

TEST_F(ReplicasTest, TwoThatComeTogetherDoNotOverwriteEachOthersRequests) {
  constexpr LeaseTimes slow{.duration = 60'000ms, .deadline = 59'995ms, .retry = 5'000ms, .jitter = 1ms};
  for (int i = 0; i < 3; ++i) {
    kube_.put({"leases", "fleet", "regsync-" + std::to_string(i)},
              {{"spec", {{"holderIdentity", "x"}, {"leaseDurationSeconds", 60}}}});
  }
  start("a", 3, slow);
  start("b", 3, slow);
  until([] { return false; }, 500ms);
  EXPECT_LE(kube_.count("patch"), 6U);
}

}  // namespace
}  // namespace regsync
