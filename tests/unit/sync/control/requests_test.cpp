#include "sync/control/requests.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/base/guarded.hpp"

namespace regsync::control {
namespace {

using nlohmann::json;

// How each message goes over the socket, which regsync and regsyncd of different versions share.
TEST(ControlRequests, AreReadAsTheyWereWritten) {
  const RemoveRequest remove{.target = "web", .keep_secrets = true, .summary = true};
  EXPECT_EQ(to_json(remove), (json{{"target", "web"}, {"keepSecrets", true}, {"summary", true}}));
  EXPECT_EQ(remove_request_from_json(to_json(remove)), remove);

  const DeclareRequest declare{.target = "web"};
  EXPECT_EQ(to_json(declare), (json{{"target", "web"}}));
  EXPECT_EQ(declare_request_from_json(to_json(declare)), declare);

  const ForgettableContextsRequest forgettable{.pattern = "kind-*"};
  EXPECT_EQ(to_json(forgettable), (json{{"pattern", "kind-*"}}));
  EXPECT_EQ(forgettable_contexts_request_from_json(to_json(forgettable)), forgettable);

  const ForgettableContextsAnswer gone{.contexts = {"kind-a", "kind-b"}};
  EXPECT_EQ(to_json(gone), (json{{"contexts", {"kind-a", "kind-b"}}}));
  EXPECT_EQ(forgettable_contexts_answer_from_json(to_json(gone)), gone);

  const ForgetContextsRequest forget{.contexts = {"kind-a"}};
  EXPECT_EQ(to_json(forget), (json{{"contexts", {"kind-a"}}}));
  EXPECT_EQ(forget_contexts_request_from_json(to_json(forget)), forget);

  const TrustContextRequest trust{.context = "prod"};
  EXPECT_EQ(to_json(trust), (json{{"context", "prod"}}));
  EXPECT_EQ(trust_context_request_from_json(to_json(trust)), trust);

  const PauseContextRequest pause{.context = "prod", .paused = true};
  EXPECT_EQ(to_json(pause), (json{{"context", "prod"}, {"paused", true}}));
  EXPECT_EQ(pause_context_request_from_json(to_json(pause)), pause);

  const PauseContextAnswer paused{.changed = true};
  EXPECT_EQ(to_json(paused), (json{{"changed", true}}));
  EXPECT_EQ(pause_context_answer_from_json(to_json(paused)), paused);

  const DashboardAnswer dashboard{.url = "http://127.0.0.1:7000/?token=t"};
  EXPECT_EQ(to_json(dashboard), (json{{"url", "http://127.0.0.1:7000/?token=t"}}));
  EXPECT_EQ(dashboard_answer_from_json(to_json(dashboard)), dashboard);
}

TEST(ControlRequests, ASyncIsAQueryThatMayAdopt) {
  const SyncRequest adopting{.query = {.targets = {"web"}, .summary = true}, .adopt = true};
  EXPECT_EQ(to_json(adopting), (json{{"targets", {"web"}}, {"summary", true}, {"adopt", true}}));
  const SyncRequest read = sync_request_from_json(to_json(adopting));
  EXPECT_EQ(read.query.targets, adopting.query.targets);
  EXPECT_TRUE(read.query.summary);
  EXPECT_TRUE(read.adopt);

  EXPECT_EQ(to_json(SyncRequest{}), json::object());
  EXPECT_FALSE(sync_request_from_json(json::object()).adopt);
}

TEST(ControlRequests, OptionalFlagsThatAreMissingAreFalse) {
  EXPECT_EQ(remove_request_from_json({{"target", "web"}, {"unknown", 1}}), RemoveRequest{.target = "web"});
}

TEST(ControlRequests, AFieldOfAnotherTypeIsAProtocolError) {
  struct Odd {
    const char* name;
    std::function<void(const json&)> read;
    std::vector<const char*> messages;
  };
  const std::vector<Odd> all{
      {"sync", [](const json& j) { (void)sync_request_from_json(j); }, {R"({"adopt":"yes"})", R"({"adopt":null})"}},
      {"remove",
       [](const json& j) { (void)remove_request_from_json(j); },
       {"null", "[]", "{}", R"({"target":7})", R"({"target":"web","keepSecrets":"yes"})",
        R"({"target":"web","summary":1})"}},
      {"declare", [](const json& j) { (void)declare_request_from_json(j); }, {"{}", R"({"target":null})"}},
      {"forgettableContexts",
       [](const json& j) { (void)forgettable_contexts_request_from_json(j); },
       {"{}", R"({"pattern":["*"]})"}},
      {"answer to forgettableContexts",
       [](const json& j) { (void)forgettable_contexts_answer_from_json(j); },
       {"{}", R"("contexts")", R"({"contexts":{"a":"b"}})", R"({"contexts":["a",1]})"}},
      {"forgetContexts",
       [](const json& j) { (void)forget_contexts_request_from_json(j); },
       {"{}", R"({"contexts":"a"})", R"({"contexts":[null]})", R"({"contexts":{"a":"b"}})"}},
      {"trustContext", [](const json& j) { (void)trust_context_request_from_json(j); }, {"{}", R"({"context":false})"}},
      {"pauseContext",
       [](const json& j) { (void)pause_context_request_from_json(j); },
       {"{}", R"({"context":"prod"})", R"({"paused":true})", R"({"context":"prod","paused":"true"})"}},
      {"answer to pauseContext",
       [](const json& j) { (void)pause_context_answer_from_json(j); },
       {"{}", "1", R"({"changed":1})"}},
      {"answer to dashboard", [](const json& j) { (void)dashboard_answer_from_json(j); }, {"{}", R"({"url":null})"}},
  };
  for (const auto& [name, read, messages] : all) {
    for (const char* message : messages) {
      const std::optional<Error> problem = guarded([&] { read(json::parse(message)); });
      ASSERT_TRUE(problem) << name << " takes " << message;
      EXPECT_EQ(problem->code(), ErrorCode::protocol) << name << " of " << message << ": " << problem->message();
    }
  }
}

}  // namespace
}  // namespace regsync::control
