// What a client loses when the API server, or etcd behind it, goes away and comes back: nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/kube/real_server.hpp"

namespace regsync::kube {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::run_until;

std::string body_of(const std::string& name) {
  return R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":")" + name + "\"}}";
}

class Surviving : public RealServer {
 protected:
  // The time that it takes to end in good order.
  static void SetUpTestSuite() { boot({.flags = {"--request-timeout=5s"}}); }

  void SetUp() override {
    RealServer::SetUp();
    if (!server_) {
      return;
    }
    make("a");
    make("b");
    client_ = std::make_unique<KubeClient>(loop_.get_executor(), admin_.clone());
    known_ = std::make_unique<Known>(*client_, name_space_);
    watching_ = std::make_unique<test::Background>(loop_, known_->run());
    ASSERT_TRUE(run_until(loop_, [&] { return known_->has("a") && known_->has("b") && known_->synced; }));
  }

  void make(const std::string& name) const { kubectl({"-n", name_space_, "create", "secret", "generic", name}); }
  void remove(const std::string& name) const { kubectl({"-n", name_space_, "delete", "secret", name}); }
  void change(const std::string& name) const {
    kubectl({"-n", name_space_, "label", "secret", name, "--overwrite", "changed=yes"});
  }

  [[nodiscard]] std::map<std::string, std::string> truth() const {
    std::map<std::string, std::string> versions;
    const json list = server_->get({"secrets", "-n", name_space_});
    for (const json& item : list.at("items")) {
      versions[item.at("metadata").at("name")] = item.at("metadata").at("resourceVersion");
    }
    return versions;
  }

  // After whatever happened: something is made, changed and deleted, and all of it becomes known.
  void expect_that_nothing_is_lost() {
    make("after");
    change("a");
    remove("b");
    const auto there = truth();
    run_until(loop_, [&] { return known_->synced && known_->objects == there; }, 60s);
    EXPECT_TRUE(known_->synced);
    EXPECT_EQ(known_->objects, there);
  }

  std::unique_ptr<KubeClient> client_;
  std::unique_ptr<Known> known_;
  std::unique_ptr<test::Background> watching_;
};

TEST_F(Surviving, ACrashOfTheServer) {
  server_->kill();
  ASSERT_TRUE(run_until(loop_, [&] { return known_->told(ErrorCode::unreachable); }));
  server_->start_again();
  expect_that_nothing_is_lost();
  EXPECT_TRUE(run_until(loop_, [&] { return !known_->health.back(); })) << "said to work again";
}

TEST_F(Surviving, AnOrderlyRestartOfTheServer) {
  ::kill(server_->api_server(), SIGTERM);
  ASSERT_TRUE(run_until(loop_, [] { return !server_->runs(); }, 90s));
  server_->start_again();
  expect_that_nothing_is_lost();
}

TEST_F(Surviving, AStandstillOfEtcd) {
  ::kill(server_->etcd(), SIGSTOP);
  let_pass(2s);
  ::kill(server_->etcd(), SIGCONT);
  expect_that_nothing_is_lost();
  EXPECT_EQ(known_->restarts, 1) << "the watch went on";
}

// Without its watch cache, the server passes on what etcd says: each old version can be watched from, until etcd
// forgets it. With the cache, each restart of the server makes it too old.
class SurvivingWithoutCache : public Surviving {
 protected:
  static void SetUpTestSuite() { boot({.flags = {"--watch-cache=false"}}); }
};

TEST_F(SurvivingWithoutCache, ACrashOfTheServerNeedsNoNewList) {
  server_->kill();
  server_->start_again();
  change("b");
  expect_that_nothing_is_lost();
  EXPECT_EQ(known_->restarts, 1);
  EXPECT_EQ(known_->events, 4) << "each change is told once";
}

TEST_F(SurvivingWithoutCache, ACrashOfEtcdNeedsNoNewList) {
  server_->kill_etcd();
  let_pass(500ms);
  server_->start_again();
  expect_that_nothing_is_lost();
  EXPECT_EQ(known_->restarts, 1);
  EXPECT_EQ(known_->events, 3) << "each change is told once";
}

TEST_F(SurvivingWithoutCache, ACompactionMeanwhileNeedsOneNewList) {
  server_->kill();
  server_->start_again();
  remove("b");
  make("c");
  server_->compact();
  const auto there = truth();
  EXPECT_TRUE(run_until(loop_, [&] { return known_->synced && known_->objects == there; }, 30s));
  EXPECT_EQ(known_->restarts, 2);
  EXPECT_FALSE(known_->told(ErrorCode::expired)) << "it is no fault";
}

TEST_F(SurvivingWithoutCache, ACompactionBetweenTwoPagesBeginsTheListAnew) {
  bool compacted = false;
  std::map<std::string, std::string> objects;
  int restarts = 0;
  bool synced = false;
  Watcher paging(
      *client_, {.collection = {"secrets", name_space_, ""}, .field_selector = "", .page_size = 1},
      [&](const WatchEvent& event) {
        if (event.kind == WatchEvent::Kind::restarted) {
          ++restarts;
          objects.clear();
        } else if (event.kind == WatchEvent::Kind::applied) {
          const json& metadata = event.object->at("metadata");
          objects[metadata.at("name")] = metadata.at("resourceVersion");
          if (!std::exchange(compacted, true)) {
            make("c");
            server_->compact();
          }
        } else {
          synced = event.kind == WatchEvent::Kind::synced;
        }
      },
      [](const std::optional<Error>&) {});
  const test::Background background(loop_, paging.run());
  ASSERT_TRUE(run_until(loop_, [&] { return synced; }, 30s));
  EXPECT_EQ(restarts, 2);
  EXPECT_EQ(objects, truth());
}

// A server that asks one connection in fifty to go away (GOAWAY), as it does to spread clients over its replicas.
class SurvivingGoaway : public RealServer {
 protected:
  static void SetUpTestSuite() { boot({.audit = true, .flags = {"--goaway-chance=0.02"}}); }

  static std::size_t sockets() {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code ignored;
      count += std::filesystem::read_symlink(entry.path(), ignored).string().starts_with("socket:") ? 1 : 0;
    }
    return count;
  }
};

TEST_F(SurvivingGoaway, LosesNoRequestAndDoublesNoWrite) {
  constexpr int writers = 32;
  constexpr int each = 64;  // some handle of libcurl's is used by so many requests that must be tried again
  KubeClient busy = client(admin_.clone());
  Known known(busy, name_space_);
  const test::Background watching(loop_, known.run());
  ASSERT_TRUE(run_until(loop_, [&] { return known.synced; }));
  const auto write = [](KubeClient& to, std::string name_space, int first) -> asio::awaitable<void> {
    for (int i = first; i < first + each; ++i) {
      const std::string name = "x" + std::to_string(i);
      const ObjectPath path{"secrets", name_space, name};
      co_await to.apply(path, body_of(name), ApplyOptions{});
    }
  };
  const std::size_t before = sockets();
  std::vector<std::unique_ptr<test::Background>> running;
  for (int i = 0; i < writers; ++i) {
    running.push_back(std::make_unique<test::Background>(loop_, write(busy, name_space_, i * each)));
  }
  std::size_t most = before;
  ASSERT_TRUE(run_until(
      loop_,
      [&] {
        most = std::max(most, sockets());
        return std::all_of(running.begin(), running.end(), [](const auto& writer) { return writer->done(); });
      },
      60s));
  for (const auto& writer : running) {
    EXPECT_FALSE(writer->failure()) << describe(*writer->failure());
  }
  EXPECT_GT(most, before) << "no connection was sent away";
  EXPECT_TRUE(run_until(loop_, [&] { return known.objects.size() == writers * each; }));
  EXPECT_EQ(known.restarts, 1);
  EXPECT_EQ(known.events, writers * each);
  std::map<std::string, int> applied;
  for (const json& event : server_->audit()) {
    const json object = event.value("objectRef", json::object());
    if (event.at("verb") == "patch" && object.value("namespace", "") == name_space_) {
      ++applied[object.at("name")];
    }
  }
  EXPECT_EQ(applied.size(), static_cast<std::size_t>(writers * each));
  EXPECT_THAT(applied, ::testing::Each(::testing::Pair(::testing::_, 1)));
}

}  // namespace
}  // namespace regsync::kube
