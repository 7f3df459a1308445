// Nothing is deleted that nobody asked to delete: what looks like less and is not, what cannot be written down, and
// what a changed kubeconfig means.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "sync/engine/engine.hpp"
#include "tests/integration/engine/engine_world.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto beyond_grace = 3 * EngineWorld::grace;

class Deletions : public testing::Test {
 protected:
  explicit Deletions(const std::vector<std::string>& contexts = {"a"}) : world_(contexts) {
    world_.login("ghcr.io", "first");
    for (const auto& [context, server] : world_.servers()) {
      server->make_namespace("n1");
      server->make_namespace("n2");
    }
  }

  void begin(const Target& target) {
    world_.put_target(target);
    world_.start();
    world_.sync();
  }

  std::optional<std::string> uid(const std::string& name_space, const std::string& secret = "cred") {
    const auto found = world_.secret(name_space, secret);
    return found ? std::optional(found->at("metadata").at("uid").get<std::string>()) : std::nullopt;
  }
  bool is_gone(const std::string& name_space, const std::string& secret = "cred") {
    return world_.until([&] { return !uid(name_space, secret); });
  }
  bool is_there(const std::string& name_space, const std::string& secret = "cred") {
    return world_.until([&] { return uid(name_space, secret).has_value(); });
  }
  std::size_t deletions() {
    std::size_t count = 0;
    for (const auto& request : world_.server().requests()) {
      count += request.verb == "delete" ? 1 : 0;
    }
    return count;
  }
  std::string notes() {
    std::string text;
    for (const auto& note : world_.engine().status().notes) {
      text += describe(note) + "\n";
    }
    return text;
  }

  EngineWorld world_;
};

// --- the context's current namespace

TEST_F(Deletions, ATargetWithoutNamespacesStaysWhereItWasFirst) {
  world_.switch_namespace("a", "n1");
  begin(make_target({}));
  const auto first = uid("n1");
  ASSERT_TRUE(first);
  for (const auto* name_space : {"n2", "default", "n2"}) {
    world_.switch_namespace("a", name_space);
    world_.run_for(beyond_grace);
    world_.sync();
    EXPECT_EQ(uid("n1"), first);
    EXPECT_FALSE(uid(name_space)) << "nobody asked for it";
  }
  EXPECT_NE(notes().find("stays in namespace n1 of context a, whose current namespace is n2 now"), std::string::npos)
      << notes();
  EXPECT_TRUE(world_.engine().status().all_in_sync());
  EXPECT_EQ(deletions(), 0U);
  world_.restart();
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return entries_of(*world_.secret("n1", "cred")).at("ghcr.io") == "jdoe:second"; }));
  world_.put_target(make_target({"n2"}));
  EXPECT_TRUE(is_there("n2"));
  EXPECT_TRUE(is_gone("n1")) << "now it was asked for";
}

TEST_F(Deletions, AKubeconfigTornAtAnyByteMovesAndDeletesNothing) {
  world_.switch_namespace("a", "n1");
  begin(make_target({}));
  const auto first = uid("n1");
  const std::string whole = world_.kubeconfig();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    world_.set_kubeconfig(whole.substr(0, size));
    world_.run_for(0ms);
  }
  // YAML, which is complete at the end of any line.
  const std::string yaml =
      "apiVersion: v1\nkind: Config\nusers:\n- name: u\n  user: {}\nclusters:\n- name: a\n  cluster:\n"
      "    server: " +
      world_.server().url() + "\ncontexts:\n- name: a\n  context:\n    cluster: a\n    user: u\n    namespace: n1\n";
  for (std::size_t size = 0; size <= yaml.size(); ++size) {
    world_.set_kubeconfig(yaml.substr(0, size));
    world_.run_for(size % 16 == 0 ? 20ms : 0ms);
  }
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
  EXPECT_EQ(deletions(), 0U);
  EXPECT_TRUE(world_.engine().status().all_in_sync());
}

// --- target files

TEST_F(Deletions, ATargetFileThatCoversLessForAMomentDeletesNothing) {
  auto target = make_target({"n1", "n2"});
  target.registries = {"ghcr.io", "quay.io"};
  target.service_accounts = {"default"};
  world_.login("quay.io", "q");
  world_.server().put({"serviceaccounts", "n1", "default"}, json::object());
  world_.server().put({"serviceaccounts", "n2", "default"}, json::object());
  begin(target);
  world_.run_for(beyond_grace);
  const auto first = uid("n1");
  const auto second = uid("n2");
  ASSERT_TRUE(second);
  world_.forget_requests();
  auto torn = make_target({"n1"});
  torn.registries = {"ghcr.io"};
  world_.put_target(torn);
  world_.run_for(EngineWorld::grace / 3);
  world_.put_target(target);
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
  EXPECT_EQ(uid("n2"), second);
  EXPECT_EQ(world_.writes(), 0U) << "neither entries nor ServiceAccounts were touched";
  world_.put_target(torn);
  EXPECT_TRUE(is_gone("n2"));
  EXPECT_TRUE(world_.until([&] { return entries_of(*world_.secret("n1", "cred")).size() == 1; }));
}

TEST_F(Deletions, ATargetFileTornWhileTheEngineStartsDeletesNothing) {
  begin(make_target({"n1", "n2"}));
  const auto second = uid("n2");
  world_.stop();
  world_.put_target(make_target({"n1"}));
  world_.start();
  world_.run_for(EngineWorld::grace / 3);
  world_.put_target(make_target({"n1", "n2"}));
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(uid("n2"), second);
}

TEST_F(Deletions, ASyncWaitsUntilWhatIsGoneFromAFileCounts) {
  begin(make_target({"n1", "n2"}));
  world_.put_target(make_target({"n1"}));
  world_.sync("t");
  EXPECT_FALSE(uid("n2"));
}

TEST_F(Deletions, WhatACommandReplacedOrRemovedCountsAtOnce) {
  begin(make_target({"n1", "n2"}));
  world_.replace_target(make_target({"n1"}));
  EXPECT_TRUE(world_.until([&] { return !uid("n2"); }, EngineWorld::grace / 2));
  world_.forget_target("t");
  EXPECT_TRUE(world_.until([&] { return !uid("n1"); }, EngineWorld::grace / 2));
}

// --- footprints that cannot be written

// A folder in the place of a file cannot be replaced by one, whoever runs this (root may write to read-only folders).
TEST_F(Deletions, AFootprintThatCannotBeWrittenHoldsBackItsOwnTargetOnly) {
  auto other = make_target({"n1"});
  other.name = "other";
  other.secret = "other";
  world_.put_target(other);
  begin(make_target({"n1"}));
  ASSERT_TRUE(uid("n1"));
  world_.stop();
  const auto file = world_.footprint_folder() / "t.json";
  const auto content = read_file(file);
  std::filesystem::remove(file);
  std::filesystem::create_directories(file);
  world_.start();
  world_.put_target(make_target({"n1", "n2"}));
  other.namespaces = {"n1", "n2"};
  world_.put_target(other);
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return entries_of(*world_.secret("n1", "cred")).at("ghcr.io") == "jdoe:second"; }))
      << "rotations go on";
  EXPECT_TRUE(is_there("n2", "other"));
  world_.sync();
  EXPECT_FALSE(uid("n2")) << "it would not be found again";
  EXPECT_EQ(world_.state("n2"), SyncState::stuck);
  EXPECT_FALSE(world_.engine().status("t").all_in_sync());
  EXPECT_TRUE(world_.engine().status("other").all_in_sync());
  std::filesystem::remove(file);
  world_.login("ghcr.io", "third");
  EXPECT_TRUE(is_there("n2"));
}

// --- contexts

TEST_F(Deletions, AContextThatCannotBeUsedAnyMoreKeepsItsLastGoodDefinition) {
  begin(make_target({"n1"}));
  auto unusable_pem = json::parse(world_.kubeconfig());
  unusable_pem["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1";
  unusable_pem["users"][0]["user"] = {{"client-certificate-data", "bm8gUEVN"}, {"client-key-data", "bm8gUEVN"}};
  auto no_such_user = json::parse(world_.kubeconfig());
  no_such_user["contexts"][0]["context"]["user"] = "nobody";
  for (const auto& config : {unusable_pem, no_such_user}) {
    world_.set_kubeconfig(config.dump());
    const auto password = "p" + std::to_string(config.dump().size());
    world_.login("ghcr.io", password);
    EXPECT_TRUE(
        world_.until([&] { return entries_of(*world_.secret("n1", "cred")).at("ghcr.io") == "jdoe:" + password; }, 2s));
    world_.sync();  // returns
    EXPECT_FALSE(world_.engine().status().all_in_sync()) << "the kubeconfig as it is now cannot be used";
  }
  world_.set_contexts({"a"});
  world_.sync();
  EXPECT_TRUE(world_.engine().status().all_in_sync());
}

}  // namespace
}  // namespace regsync::test
