// The watcher against an API server that fails in every way that one can.
#include "sync/kube/api/watcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sync/kube/config/kubeconfig.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/resident.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using test::Fault;
using test::run_until;
using Kind = Fault::Kind;

// What a reader of the events knows: exactly what the server holds, after each `synced`.
class Picture {
 public:
  void on_event(const WatchEvent& event) {
    if (event.kind == WatchEvent::Kind::restarted) {
      ++restarts;
      incoming_.clear();
      listing_ = true;
      return;
    }
    if (event.kind == WatchEvent::Kind::synced) {
      objects = incoming_;
      listing_ = false;
      synced = true;
      return;
    }
    const json& metadata = event.object->at("metadata");
    const std::string key = metadata.at("namespace").get<std::string>() + "/" + metadata.at("name").get<std::string>();
    auto& target = listing_ ? incoming_ : objects;
    if (event.kind == WatchEvent::Kind::applied) {
      target[key] = metadata.at("resourceVersion").get<std::string>();
    } else {
      target.erase(key);
    }
  }

  std::map<std::string, std::string> objects;  // versions by name
  int restarts = 0;
  bool synced = false;

 private:
  std::map<std::string, std::string> incoming_;
  bool listing_ = false;
};

class WatcherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.make_namespace("n");
    for (const char* name : {"a", "b", "c"}) {
      put(name, "1");
    }
    const auto config = temp_.write("kubeconfig", server_.kubeconfig({"fake"}));
    client_ = std::make_unique<KubeClient>(context_.get_executor(), Kubeconfig::load(config).resolve("fake"));
  }

  void put(const std::string& name, const std::string& value) {
    server_.put({"secrets", "n", name}, {{"metadata", {{"labels", {{"value", value}}}}}});
  }

  void start(WatchScope scope = {.collection = {"secrets", "", ""}, .field_selector = "", .page_size = 2}) {
    watcher_ = std::make_unique<Watcher>(
        *client_, std::move(scope), [this](const WatchEvent& event) { picture_.on_event(event); },
        [this](const std::optional<Error>& error) {
          health_.push_back(error ? std::optional(error->code()) : std::nullopt);
        });
    background_ = std::make_unique<test::Background>(context_, watcher_->run());
  }

  // Whether the picture becomes the truth.
  bool is_true_soon(std::chrono::milliseconds time = std::chrono::seconds(10)) {
    return run_until(
        context_,
        [&] {
          std::map<std::string, std::string> truth;
          for (const json& object : server_.find_all("secrets")) {
            truth["n/" + object.at("metadata").at("name").get<std::string>()] =
                object.at("metadata").at("resourceVersion").get<std::string>();
          }
          return picture_.synced && picture_.objects == truth;
        },
        time);
  }

  [[nodiscard]] bool told(ErrorCode code) const {
    return std::find(health_.begin(), health_.end(), std::optional(code)) != health_.end();
  }

  test::FakeApiServer server_;
  test::TempDir temp_;
  asio::io_context context_;
  std::unique_ptr<KubeClient> client_;
  Picture picture_;
  std::vector<std::optional<ErrorCode>> health_;
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<test::Background> background_;
};

TEST_F(WatcherTest, ListsInPagesThenFollowsEvents) {
  start();
  ASSERT_TRUE(is_true_soon());
  EXPECT_EQ(server_.count("list"), 2U);
  put("a", "2");
  put("d", "1");
  server_.erase({"secrets", "n", "b"});
  EXPECT_TRUE(is_true_soon());
  EXPECT_EQ(picture_.restarts, 1);
  EXPECT_EQ(health_, std::vector{std::optional<ErrorCode>()});
}

TEST_F(WatcherTest, TheFirstPageOfALongListIsSmall) {
  for (int i = 0; i < 150; ++i) {
    put("s" + std::to_string(i), "1");
  }
  start({.collection = {"secrets", "", ""}, .field_selector = ""});
  ASSERT_TRUE(is_true_soon());
  std::vector<int> limits;
  for (const auto& request : server_.requests()) {
    if (request.verb == "list") {
      limits.push_back(std::stoi(request.query.at("limit")));
    }
  }
  EXPECT_EQ(limits, (std::vector{100, 500}));
}

TEST_F(WatcherTest, AWatchThatIsCutGoesOnWhereItWas) {
  start();
  ASSERT_TRUE(is_true_soon());
  ASSERT_TRUE(run_until(context_, [&] { return server_.open_watches() == 1; }));
  server_.cut_watches();
  put("a", "2");
  server_.erase({"secrets", "n", "b"});
  EXPECT_TRUE(is_true_soon());
  EXPECT_EQ(picture_.restarts, 1) << "no new list";
}

TEST_F(WatcherTest, AnEventCutInTheMiddleIsToldAgainWhole) {
  server_.inject({.kind = Kind::cut, .verb = "watch", .bytes = 40});
  start();
  ASSERT_TRUE(is_true_soon());
  put("a", "2");
  EXPECT_TRUE(is_true_soon());
  EXPECT_EQ(picture_.restarts, 1);
}

TEST_F(WatcherTest, AnExpiredVersionInTheStreamListsAgainAtOnce) {
  server_.inject({.kind = Kind::expired, .verb = "watch"});
  start();
  ASSERT_TRUE(run_until(context_, [&] { return picture_.restarts == 2; }));
  EXPECT_TRUE(is_true_soon());
  EXPECT_FALSE(told(ErrorCode::expired)) << "it is no fault";
}

TEST_F(WatcherTest, AnExpiredVersionAsHttp410ListsAgain) {
  server_.inject({.kind = Kind::status, .verb = "watch", .status = 410});
  start();
  ASSERT_TRUE(run_until(context_, [&] { return picture_.restarts == 2; }));
  EXPECT_TRUE(is_true_soon());
}

TEST_F(WatcherTest, ACompactedHistoryListsAgainAndForgetsWhatIsGone) {
  start();
  ASSERT_TRUE(is_true_soon());
  ASSERT_TRUE(run_until(context_, [&] { return server_.open_watches() == 1; }));
  server_.stop();
  server_.erase({"secrets", "n", "b"});
  server_.compact();
  server_.start();
  EXPECT_TRUE(is_true_soon(std::chrono::seconds(20)));
  EXPECT_EQ(picture_.restarts, 2);
}

TEST_F(WatcherTest, APageTokenThatExpiresBeginsTheListAnew) {
  server_.inject({.kind = Kind::status, .verb = "list", .status = 500});
  start();
  server_.inject({.kind = Kind::status, .verb = "list", .status = 410});
  EXPECT_TRUE(is_true_soon());
  EXPECT_TRUE(told(ErrorCode::server_error));
  EXPECT_TRUE(told(ErrorCode::expired));
  EXPECT_EQ(health_.back(), std::nullopt);
}

TEST_F(WatcherTest, TooManyRequestsWaitsAsLongAsTheServerAsks) {
  server_.inject({.kind = Kind::status, .verb = "list", .status = 429, .retry_after = 2});
  const auto begin = std::chrono::steady_clock::now();
  start();
  ASSERT_TRUE(is_true_soon());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_TRUE(told(ErrorCode::overloaded));
}

TEST_F(WatcherTest, GarbageIsAFaultAndNotATruth) {
  server_.inject({.kind = Kind::garbage, .verb = "list"});
  server_.inject({.kind = Kind::garbage, .verb = "watch"});
  start();
  ASSERT_TRUE(is_true_soon());
  put("a", "2");
  EXPECT_TRUE(is_true_soon());
  EXPECT_TRUE(told(ErrorCode::unreachable));
}

TEST_F(WatcherTest, AListCutInTheMiddleIsNotTakenForAList) {
  server_.inject({.kind = Kind::cut, .verb = "list", .bytes = 200});
  start();
  EXPECT_TRUE(is_true_soon());
  EXPECT_EQ(picture_.objects.size(), 3U);
  EXPECT_TRUE(told(ErrorCode::unreachable));
}

TEST_F(WatcherTest, SlowBytesAreJustSlow) {
  server_.inject({.kind = Kind::slow, .verb = "list", .bytes = 50});
  start();
  EXPECT_TRUE(is_true_soon());
  EXPECT_EQ(health_.size(), 1U);
}

TEST_F(WatcherTest, AHugeAnswerCostsNoMemoryWithoutBound) {
  server_.inject({.kind = Kind::huge, .verb = "list", .bytes = std::size_t{200} << 20});
  start();
  EXPECT_TRUE(is_true_soon(std::chrono::seconds(30)));
  EXPECT_TRUE(told(ErrorCode::protocol));
}

TEST_F(WatcherTest, AnEventWithoutEndCostsNoMemoryWithoutBound) {
  server_.inject({.kind = Kind::huge, .verb = "watch", .bytes = std::size_t{200} << 20});
  start();
  ASSERT_TRUE(is_true_soon(std::chrono::seconds(30)));
  ASSERT_TRUE(run_until(context_, [&] { return told(ErrorCode::protocol); }, std::chrono::seconds(30)));
  put("a", "2");
  EXPECT_TRUE(is_true_soon());
}

TEST_F(WatcherTest, AServerThatGoesAwayIsSaidAndComesBack) {
  start();
  ASSERT_TRUE(is_true_soon());
  server_.stop();
  ASSERT_TRUE(run_until(context_, [&] { return told(ErrorCode::unreachable); }));
  server_.start();
  put("a", "2");
  EXPECT_TRUE(is_true_soon(std::chrono::seconds(20)));
  EXPECT_TRUE(run_until(context_, [&] { return !health_.back(); }));
}

// It would let a watch of the later version wait in silence.
TEST_F(WatcherTest, AServerThatComesBackWithAnOlderStoreIsListedAnew) {
  const auto older = server_.backup();
  put("a", "2");
  start();
  ASSERT_TRUE(is_true_soon());
  server_.stop();
  ASSERT_TRUE(run_until(context_, [&] { return told(ErrorCode::unreachable); }));
  server_.restore(older);
  server_.start();
  EXPECT_TRUE(run_until(context_, [&] { return picture_.restarts == 2; }, std::chrono::seconds(20)));
  EXPECT_TRUE(is_true_soon());
}

TEST_F(WatcherTest, AForbiddenListEndsIt) {
  server_.deny("list", "secrets");
  start();
  ASSERT_TRUE(run_until(context_, [&] { return background_->done(); }));
  EXPECT_EQ(background_->failure()->code(), ErrorCode::forbidden);
}

TEST_F(WatcherTest, AForbiddenWatchEndsIt) {
  server_.deny("watch", "secrets");
  start();
  ASSERT_TRUE(run_until(context_, [&] { return background_->done(); }));
  EXPECT_EQ(background_->failure()->code(), ErrorCode::forbidden);
}

TEST_F(WatcherTest, BookmarksMoveTheVersionOn) {
  server_.set_bookmark_interval(std::chrono::milliseconds(100));
  start({.collection = {"secrets", "", ""}, .field_selector = "metadata.name=a"});
  ASSERT_TRUE(run_until(context_, [&] { return server_.open_watches() == 1; }));
  put("other", "1");  // not told, but the bookmark after it is
  const std::string version = server_.find({"secrets", "n", "other"})->at("metadata").at("resourceVersion");
  run_until(context_, [] { return false; }, std::chrono::milliseconds(400));
  server_.forget_requests();
  server_.cut_watches();
  ASSERT_TRUE(run_until(context_, [&] { return server_.count("watch") == 1; }));
  EXPECT_EQ(server_.requests().back().query.at("resourceVersion"), version);
}

TEST_F(WatcherTest, WatchesEndAtRandomTimesBetweenFiveAndTenMinutes) {
  start();
  ASSERT_TRUE(run_until(context_, [&] { return server_.open_watches() == 1; }));
  for (const auto& request : server_.requests()) {
    if (request.verb == "watch") {
      EXPECT_GE(std::stoi(request.query.at("timeoutSeconds")), 300);
      EXPECT_LE(std::stoi(request.query.at("timeoutSeconds")), 600);
      EXPECT_EQ(request.query.at("allowWatchBookmarks"), "true");
      EXPECT_NE(request.query.at("resourceVersion"), "0");
    }
  }
}

// tests/bench/watcher_flood does the same with a million.
TEST_F(WatcherTest, AFloodOfEventsLeavesNoMemoryBehind) {
#ifdef __SANITIZE_ADDRESS__
  constexpr int events = 12'000;            // each takes many times as long here
  constexpr std::size_t room_kib = 20'000;  // freed memory is kept for a while
#else
  constexpr int events = 60'000;
  constexpr std::size_t room_kib = 2'048;
#endif
  server_.inject({.kind = Kind::flood, .verb = "watch", .bytes = events});
  start();
  const auto version = [&] {
    const auto found = picture_.objects.find("n/flooded");
    return found == picture_.objects.end() ? 0 : std::stoi(found->second) - 1'000'000;
  };
  ASSERT_TRUE(run_until(context_, [&] { return version() >= events / 3; }, std::chrono::seconds(60)));
  const std::size_t before = test::resident_kib();
  ASSERT_TRUE(run_until(context_, [&] { return version() == events; }, std::chrono::seconds(60)));
  EXPECT_LT(test::resident_kib(), before + room_kib);
}

TEST_F(WatcherTest, EndsAtOnceWhenCancelled) {
  start();
  ASSERT_TRUE(is_true_soon());
  EXPECT_TRUE(background_->stop());
  EXPECT_EQ(background_->failure()->code(), ErrorCode::cancelled);
}

}  // namespace
}  // namespace regsync::kube
