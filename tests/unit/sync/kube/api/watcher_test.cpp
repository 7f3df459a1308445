// The watcher's states, over a scripted transport. What it does with a server that fails is in tests/integration/kube.
#include "sync/kube/api/watcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/fake_transport.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ResolvedContext context_of_test() {
  ResolvedContext context;
  context.server = "https://k.example";
  return context;
}

json object_of(const std::string& name, const std::string& version) {
  return {{"metadata", {{"name", name}, {"resourceVersion", version}}}};
}

class WatcherStates : public ::testing::Test {
 protected:
  WatcherStates() { list_is("100", json::array({object_of("a", "90")})); }

  void list_is(const std::string& version, const json& items) {
    server_.answer("GET", "/api/v1/secrets?limit", 200,
                   {{"metadata", {{"resourceVersion", version}}}, {"items", items}});
  }
  void begin(const std::string& label_selector) {
    watcher_ = std::make_unique<Watcher>(
        client_, WatchScope{.collection = {"secrets", "", ""}, .field_selector = "", .label_selector = label_selector},
        [this](const WatchEvent& event) { note(event); },
        [this](const std::optional<Error>& health) {
          if (health) {
            told_.push_back(health->code());
          } else {
            ++healthy_;
          }
        });
    background_ = std::make_unique<test::Background>(loop_, watcher_->run());
  }
  void start() {
    begin("");
    ASSERT_TRUE(watches(1));
  }
  // Whether it comes to watch after so many lists.
  bool watches(std::size_t lists) {
    return test::run_until(
        loop_, [&] { return server_.open_streams() == 1 && server_.count("GET", "/api/v1/secrets?limit") == lists; });
  }
  bool has_seen(std::size_t events) {
    return test::run_until(loop_, [&] { return seen_.size() == events; });
  }
  void tell(const char* type, const std::string& version) { server_.send_event("", type, object_of("b", version)); }

  void note(const WatchEvent& event) {
    switch (event.kind) {
      case WatchEvent::Kind::restarted:
        seen_.emplace_back("restarted");
        break;
      case WatchEvent::Kind::synced:
        seen_.emplace_back("synced");
        break;
      default:
        seen_.push_back(event.object->at("metadata").at("name").get<std::string>());
    }
  }

  asio::io_context loop_;
  test::FakeTransport server_{loop_.get_executor()};
  KubeClient client_{context_of_test(), server_.connect()};
  std::vector<std::string> seen_;
  std::vector<ErrorCode> told_;
  int healthy_ = 0;  // how often it was told to work
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<test::Background> background_;
};

TEST_F(WatcherStates, AListIsToldAndThenItsWatch) {
  start();
  tell("ADDED", "101");
  ASSERT_TRUE(has_seen(4));
  EXPECT_THAT(seen_, ElementsAre("restarted", "a", "synced", "b"));
}

TEST_F(WatcherStates, AWatchThatEndsGoesOnFromWhereItWas) {
  start();
  tell("ADDED", "101");
  server_.end_streams();
  ASSERT_TRUE(test::run_until(loop_, [&] { return server_.requests().size() == 3 && server_.open_streams() == 1; }));
  EXPECT_NE(server_.requests().back().target.find("resourceVersion=101"), std::string::npos);
}

// A load balancer that cuts what is silent for longer than its timeout.
TEST_F(WatcherStates, AWatchThatWorkedAndIsCutGoesOnAtOnceAndIsNoFault) {
  start();
  for (int version = 101; version <= 103; ++version) {
    list_is(std::to_string(version), json::array());
    tell("BOOKMARK", std::to_string(version));
    server_.forget_requests();
    server_.cut_streams();
    ASSERT_TRUE(test::run_until(loop_, [&] { return server_.requests().size() == 2 && server_.open_streams() == 1; }));
    EXPECT_EQ(server_.requests().front().target, "/api/v1/secrets?limit=1") << "it may be a restored server";
  }
  EXPECT_THAT(told_, ElementsAre());
  EXPECT_EQ(healthy_, 1);
  tell("BOOKMARK", "104");
  server_.cut_streams();
  ASSERT_TRUE(test::run_until(loop_, [&] { return !told_.empty(); })) << "again and again it is one";
}

TEST_F(WatcherStates, ACutAfterWhichNobodyAnswersIsTold) {
  start();
  tell("BOOKMARK", "101");
  server_.on("GET", "", [](const HttpRequest&) -> HttpResponse { throw Error(ErrorCode::unreachable, "refused"); });
  server_.cut_streams();
  ASSERT_TRUE(test::run_until(loop_, [&] { return !told_.empty(); }));
  EXPECT_TRUE(watcher_->lists_fail());
}

// A server reads all of its Secrets to find one with a label that none has.
TEST_F(WatcherStates, AfterAFailureTheRevisionIsAskedForWithoutTheLabel) {
  server_.on("GET", "/api/v1/secrets?labelSelector=", [](const HttpRequest& request) {
    return request.target.find("watch=") != std::string::npos
               ? test::FakeTransport::opened({})
               : test::FakeTransport::respond(
                     200, json{{"metadata", {{"resourceVersion", "100"}}}, {"items", json::array()}}.dump());
  });
  begin("a=b");
  ASSERT_TRUE(test::run_until(loop_, [&] { return server_.open_streams() == 1; }));
  server_.end_streams();  // at once: a failure
  ASSERT_TRUE(test::run_until(loop_, [&] { return server_.requests().size() == 4 && server_.open_streams() == 1; }));
  const HttpRequest& look = server_.requests().at(2);
  EXPECT_EQ(look.target, "/api/v1/secrets?limit=1");
  EXPECT_THAT(look.headers, Contains(HasSubstr("PartialObjectMetadataList")));
}

// An etcd that was restored from an older copy, behind the same URL.
TEST_F(WatcherStates, ABookmarkOfAnOlderRevisionMakesItListAnew) {
  start();
  list_is("60", json::array());
  tell("BOOKMARK", "60");
  ASSERT_TRUE(watches(2));
  EXPECT_THAT(seen_, ElementsAre("restarted", "a", "synced", "restarted", "synced"));
  EXPECT_NE(server_.requests().back().target.find("resourceVersion=60"), std::string::npos);
}

TEST_F(WatcherStates, AnEventOfAnOlderRevisionMakesItListAnew) {
  start();
  list_is("60", json::array({object_of("c", "60")}));
  tell("MODIFIED", "59");
  ASSERT_TRUE(watches(2));
  EXPECT_THAT(seen_, ElementsAre("restarted", "a", "synced", "restarted", "c", "synced"));
}

TEST_F(WatcherStates, TheSameRevisionAgainIsNoRestore) {
  start();
  tell("BOOKMARK", "100");
  tell("BOOKMARK", "100");
  tell("ADDED", "1000");
  ASSERT_TRUE(has_seen(4));
  EXPECT_EQ(server_.count("GET", "/api/v1/secrets?limit"), 1U);
}

TEST_F(WatcherStates, RevisionsThatAreNoNumbersAreNotCompared) {
  start();
  tell("BOOKMARK", "v9");
  tell("BOOKMARK", "v10");
  tell("ADDED", "1");
  ASSERT_TRUE(has_seen(4));
  EXPECT_EQ(server_.count("GET", "/api/v1/secrets?limit"), 1U);
}

// Without a pause it would list and watch as fast as the network goes.
TEST_F(WatcherStates, AServerThatLetsEachWatchExpireIsNotListedWithoutAPause) {
  server_.on("GET", "/api/v1/secrets?watch", [](const HttpRequest&) {
    const json gone = test::FakeTransport::status_body(410, "Expired", "too old");
    return test::FakeTransport::respond(200, json{{"type", "ERROR"}, {"object", gone}}.dump() + "\n");
  });
  begin("");
  ASSERT_TRUE(test::run_until(loop_, [&] { return !told_.empty(); }));
  EXPECT_THAT(told_, ElementsAre(ErrorCode::expired));
  EXPECT_LE(server_.requests().size(), 10U);
}

TEST_F(WatcherStates, AServerThatEndsEachWatchAfterAnEventIsNotAskedWithoutAPause) {
  server_.on("GET", "/api/v1/secrets?watch", [](const HttpRequest&) {
    return test::FakeTransport::respond(200, json{{"type", "ADDED"}, {"object", object_of("b", "101")}}.dump() + "\n");
  });
  begin("");
  ASSERT_TRUE(test::run_until(loop_, [&] { return !told_.empty(); }));
  EXPECT_THAT(told_, ElementsAre(ErrorCode::unreachable));
  EXPECT_LE(server_.requests().size(), 10U);
}

// A proxy that ends every long answer: what changes is found by lists.
TEST_F(WatcherStates, WhereWatchesFailAndListsDoNotAllIsListedAgain) {
  server_.on("GET", "/api/v1/secrets?watch",
             [](const HttpRequest&) -> HttpResponse { throw Error(ErrorCode::unreachable, "closed"); });
  begin("");
  ASSERT_TRUE(test::run_until(loop_, [&] { return told_.size() == 2; }));
  EXPECT_THAT(told_, ElementsAre(ErrorCode::unreachable, ErrorCode::server_error));
  EXPECT_FALSE(watcher_->lists_fail());
  list_is("105", json::array({object_of("c", "105")}));
  server_.on("GET", "/api/v1/secrets?watch", [](const HttpRequest&) { return test::FakeTransport::opened({}); });
  ASSERT_TRUE(test::run_until(loop_, [&] { return server_.open_streams() == 1; }));
  EXPECT_THAT(seen_, ElementsAre("restarted", "a", "synced", "restarted", "c", "synced"));
  EXPECT_THAT(told_, ElementsAre(ErrorCode::unreachable, ErrorCode::server_error, ErrorCode::server_error));
  EXPECT_EQ(healthy_, 2) << "that a watch begins does not say that it works";
  tell("BOOKMARK", "106");
  ASSERT_TRUE(test::run_until(loop_, [&] { return healthy_ == 3; }));
}

TEST_F(WatcherStates, AServerThatAnswersNoListEitherIsToldApart) {
  start();
  EXPECT_FALSE(watcher_->lists_fail());
  server_.answer("GET", "", 503, test::FakeTransport::status_body(503, "ServiceUnavailable", "no upstream"));
  server_.end_streams();
  ASSERT_TRUE(test::run_until(loop_, [&] { return watcher_->lists_fail(); }));
  EXPECT_EQ(told_.back(), ErrorCode::server_error);
  server_.forget_scripts("GET", "");
  ASSERT_TRUE(test::run_until(loop_, [&] { return !watcher_->lists_fail(); }));
}

TEST_F(WatcherStates, AListThatDoesNotComeToItsEndIsAFault) {
  server_.answer("GET", "/api/v1/secrets?", 200,
                 {{"metadata", {{"resourceVersion", "100"}, {"continue", "again"}}}, {"items", json::array()}});
  begin("");
  ASSERT_TRUE(test::run_until(loop_, [&] { return !told_.empty(); }));
  EXPECT_EQ(told_.front(), ErrorCode::protocol);
  EXPECT_LE(server_.requests().size(), 3U);
}

// A server that forgets sooner than the next page is asked for.
TEST_F(WatcherStates, AListWhosePagesExpireIsMadeInOneAnswer) {
  const json some = json::array({object_of("a", "90")});
  const json gone = test::FakeTransport::status_body(410, "Expired", "the continue token is too old");
  server_.on("GET", "/api/v1/secrets", [&](const HttpRequest& request) {
    if (request.target.find("continue=") != std::string::npos) {
      return test::FakeTransport::respond(410, gone.dump());
    }
    json page{{"metadata", {{"resourceVersion", "100"}}}, {"items", some}};
    if (request.target.find("limit=") != std::string::npos) {
      page["metadata"]["continue"] = "next";
    }
    return request.target.find("watch=") != std::string::npos ? test::FakeTransport::opened({})
                                                              : test::FakeTransport::respond(200, page.dump());
  });
  begin("");
  ASSERT_TRUE(test::run_until(loop_, [&] { return server_.open_streams() == 1; }));
  EXPECT_THAT(told_, ElementsAre(ErrorCode::expired));
  EXPECT_EQ(server_.count("GET"), 4U) << "two pages, the whole list, its watch";
  EXPECT_THAT(seen_, ElementsAre("restarted", "a", "restarted", "a", "synced"));
}

// As a server does whose versions are other ones now.
TEST_F(WatcherStates, AVersionThatTheServerDoesNotTakeIsListedAnew) {
  int refusals = 0;
  server_.on("GET", "/api/v1/secrets?watch", [&](const HttpRequest&) {
    const json refusal = test::FakeTransport::status_body(400, "BadRequest", "invalid resource version");
    return refusals++ == 0 ? test::FakeTransport::respond(400, refusal.dump()) : test::FakeTransport::opened({});
  });
  begin("");
  ASSERT_TRUE(watches(2));
  EXPECT_THAT(told_, ElementsAre(ErrorCode::rejected));
  EXPECT_THAT(seen_, ElementsAre("restarted", "a", "synced", "restarted", "a", "synced"));
}

TEST_F(WatcherStates, AVersionWithoutEndIsNone) {
  start();
  tell("ADDED", std::string(1'000'000, '9'));
  server_.end_streams();
  ASSERT_TRUE(test::run_until(loop_, [&] { return server_.requests().size() == 3 && server_.open_streams() == 1; }));
  EXPECT_THAT(seen_, ElementsAre("restarted", "a", "synced", "b"));
  EXPECT_NE(server_.requests().back().target.find("resourceVersion=100&"), std::string::npos);
}

TEST_F(WatcherStates, AnEventWithoutAVersionIsToldAndMovesNothing) {
  start();
  tell("ADDED", "101");
  server_.send_event("", "MODIFIED", {{"metadata", {{"name", "odd"}}}});
  server_.send_event("", "BOOKMARK", {{"metadata", nullptr}});
  server_.end_streams();
  ASSERT_TRUE(test::run_until(loop_, [&] { return server_.requests().size() == 3 && server_.open_streams() == 1; }));
  EXPECT_THAT(seen_, ElementsAre("restarted", "a", "synced", "b", "odd"));
  EXPECT_NE(server_.requests().back().target.find("resourceVersion=101"), std::string::npos);
}

// Each list has two pages; a later one takes a moment.
class TwoPages final : public HttpTransport {
 public:
  struct Seen {
    int lists = 0;
    int open = 0;  // later pages
    int most_open = 0;
  };
  explicit TwoPages(Seen& seen) : seen_(seen) {}

  asio::awaitable<HttpResponse> send(const HttpRequest& request) override {
    const bool later = request.target.find("continue=") != std::string::npos;
    if (later) {
      seen_.most_open = std::max(seen_.most_open, ++seen_.open);
      asio::steady_timer moment(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
      co_await moment.async_wait(asio::use_awaitable);
      --seen_.open;
      ++seen_.lists;
    }
    json page = {{"metadata", {{"resourceVersion", "1"}}}, {"items", json::array()}};
    page["metadata"]["continue"] = later ? "" : "next";
    HttpResponse response;
    response.status = 200;
    response.body = page.dump();
    co_return response;
  }
  asio::awaitable<HttpResponse> stream(const HttpRequest& /*request*/, std::function<void()> /*on_open*/,
                                       std::function<void(std::string_view)> /*on_bytes*/) override {
    asio::steady_timer never(co_await asio::this_coro::executor, std::chrono::steady_clock::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
    co_return HttpResponse();
  }

 private:
  Seen& seen_;
};

TEST(Watchers, AskForAFewLargePagesAtATime) {
  constexpr int clusters = 100;
  asio::io_context loop;
  TwoPages::Seen seen;
  std::list<KubeClient> clients;
  std::list<Watcher> watchers;
  std::list<test::Background> background;
  for (int i = 0; i < clusters; ++i) {
    KubeClient& client = clients.emplace_back(context_of_test(), std::make_unique<TwoPages>(seen));
    Watcher& watcher = watchers.emplace_back(
        client, WatchScope{.collection = {"secrets", "", ""}}, [](const WatchEvent&) {},
        [](const std::optional<Error>&) {});
    background.emplace_back(loop, watcher.run());
  }
  ASSERT_TRUE(test::run_until(loop, [&] { return seen.lists == clusters; }));
  EXPECT_EQ(seen.most_open, 16);
}

}  // namespace
}  // namespace regsync::kube
