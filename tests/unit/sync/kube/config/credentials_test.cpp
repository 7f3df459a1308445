// What a request carries, by what the kubeconfig says.
#include "sync/kube/config/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "sync/kube/api/kube_client.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::kube {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

// Answers everything, and keeps the headers of the last request.
class Recorder final : public HttpTransport {
 public:
  explicit Recorder(std::vector<std::string>& headers) : headers_(headers) {}

  asio::awaitable<HttpResponse> send(const HttpRequest& request) override {
    headers_ = request.proof->headers;
    HttpResponse response;
    response.status = 200;
    response.body = "{}";
    co_return response;
  }
  asio::awaitable<HttpResponse> stream(const HttpRequest& request, std::function<void()> /*on_open*/,
                                       std::function<void(std::string_view)> /*on_bytes*/) override {
    return send(request);
  }

 private:
  std::vector<std::string>& headers_;
};

std::vector<std::string> headers_for(ResolvedContext context) {
  std::vector<std::string> headers;
  asio::io_context loop;
  KubeClient client(std::move(context), std::make_unique<Recorder>(headers));
  test::run(loop, client.version());
  return headers;
}

ResolvedContext context_at(const char* server) {
  ResolvedContext context;
  context.server = server;
  return context;
}

TEST(Credentials, ThoseOfAnotherUserReplaceThemFromTheNextRequestOn) {
  std::vector<std::string> headers;
  asio::io_context loop;
  ResolvedContext context = context_at("https://k.example");
  context.token = SecretString("first");
  KubeClient client(context.clone(), std::make_unique<Recorder>(headers));
  test::run(loop, client.version());
  EXPECT_THAT(headers, Contains("Authorization: Bearer first"));
  context.token = SecretString("second");
  client.use_credentials_of(context.clone());
  test::run(loop, client.version());
  EXPECT_THAT(headers, Contains("Authorization: Bearer second"));
  EXPECT_EQ(client.context().token.reveal(), "second");

  context.client_certificate_data = "not a certificate";
  EXPECT_THROW(client.use_credentials_of(context.clone()), Error);
  test::run(loop, client.version());
  EXPECT_THAT(headers, Contains("Authorization: Bearer second")) << "unusable ones change nothing";
}

TEST(Credentials, ATokenThatSaysThatItHasExpiredIsNotSent) {
  std::vector<std::string> headers;
  asio::io_context loop;
  ResolvedContext context = context_at("https://k.example");
  context.token = SecretString("t");
  context.token_expires = std::chrono::system_clock::now() + std::chrono::seconds(5);
  KubeClient client(std::move(context), std::make_unique<Recorder>(headers));
  const Error error = test::error_of(loop, client.version());
  EXPECT_EQ(error.code(), ErrorCode::unauthorized);
  EXPECT_THAT(error.message(), HasSubstr("there is no refresh-token"));
  EXPECT_THAT(error.remedy(), HasSubstr("log in again"));
  EXPECT_TRUE(headers.empty());
}

TEST(Credentials, AnExpiredTokenThatKubectlCanRenewIsLeftToIt) {
  asio::io_context loop;
  ResolvedContext context = context_at("https://k.example");
  context.token = SecretString("t");
  context.token_expires = std::chrono::system_clock::time_point();
  context.has_refresh_token = true;
  Credentials credentials(std::move(context));
  EXPECT_THAT(test::error_of(loop, credentials.current()).remedy(), HasSubstr("kubectl --context"));
}

TEST(Credentials, ATokenIsABearer) {
  ResolvedContext context = context_at("https://k.example");
  context.token = SecretString("t");
  EXPECT_THAT(headers_for(std::move(context)), Contains("Authorization: Bearer t"));
}

// A request without it would be anonymous.
TEST(Credentials, AnEmptyTokenFileIsSaid) {
  const test::TempDir folder;
  std::vector<std::string> headers;
  asio::io_context loop;
  ResolvedContext context = context_at("https://k.example");
  context.name = "prod";
  context.token_file = folder.write("token", "\n").string();
  KubeClient client(std::move(context), std::make_unique<Recorder>(headers));
  const Error error = test::error_of(loop, client.version());
  EXPECT_EQ(error.code(), ErrorCode::unauthorized);
  EXPECT_THAT(error.message(), HasSubstr("the tokenFile of context \"prod\" (" + (folder / "token").string()));
  EXPECT_TRUE(headers.empty());
}

TEST(Credentials, AnEmptyTokenFileIsReadAgainWhenItChanges) {
  const test::TempDir folder;
  asio::io_context loop;
  ResolvedContext context = context_at("https://k.example");
  context.token_file = folder.write("token", "\n").string();
  Credentials credentials(std::move(context), /*read_interval=*/std::chrono::seconds(0));
  EXPECT_EQ(test::error_of(loop, credentials.current()).code(), ErrorCode::unauthorized);
  folder.write("token", "t\n");
  EXPECT_THAT(test::run(loop, credentials.current())->headers, Contains("Authorization: Bearer t"));
}

// A thousand requests a second are not a thousand looks at a file.
TEST(Credentials, AFileThatWasJustReadIsNotReadAgain) {
  const test::TempDir folder;
  asio::io_context loop;
  ResolvedContext context = context_at("https://k.example");
  context.token_file = folder.write("token", "first").string();
  Credentials credentials(std::move(context), /*read_interval=*/std::chrono::hours(1));
  folder.write("token", "the second");
  EXPECT_THAT(test::run(loop, credentials.current())->headers, Contains("Authorization: Bearer first"));
}

TEST(Credentials, UserNameAndPasswordAreBasic) {
  ResolvedContext context = context_at("https://k.example");
  context.username = "jdoe";
  context.password = SecretString("p:w");
  EXPECT_THAT(headers_for(std::move(context)), Contains("Authorization: Basic amRvZTpwOnc="));
}

TEST(Credentials, APasswordAloneIsNotSent) {
  ResolvedContext context = context_at("https://k.example");
  context.password = SecretString("hunter2");
  EXPECT_THAT(headers_for(std::move(context)), Not(Contains(StartsWith("Authorization"))));
}

TEST(Credentials, ImpersonationIsOneHeaderForEachValueAndItsKeysAreEncoded) {
  ResolvedContext context = context_at("https://k.example");
  context.impersonation = {"jane", "7", {"a", "b"}, {{"example.com/scope", {"view", "edit"}}, {"odd", {""}}}};
  EXPECT_THAT(headers_for(std::move(context)),
              IsSupersetOf({"Impersonate-User: jane", "Impersonate-Uid: 7", "Impersonate-Group: a",
                            "Impersonate-Group: b", "Impersonate-Extra-example.com%2Fscope: view",
                            "Impersonate-Extra-example.com%2Fscope: edit", "Impersonate-Extra-odd;"}));
}

TEST(Credentials, NothingOfThemIsSaidOverPlainHttp) {
  ResolvedContext context = context_at("http://127.0.0.1");
  context.token = SecretString("t");
  context.username = "jdoe";
  EXPECT_THAT(headers_for(std::move(context)), Not(Contains(StartsWith("Authorization"))));
}

// Behind `kubectl proxy`: without it the requests would have the rights of the proxy itself.
TEST(Credentials, WhoToActAsIsSaidOverPlainHttpToo) {
  ResolvedContext context = context_at("http://127.0.0.1");
  context.impersonation = {"jane", "", {"a"}, {}};
  EXPECT_THAT(headers_for(std::move(context)), IsSupersetOf({"Impersonate-User: jane", "Impersonate-Group: a"}));
}

TEST(Credentials, ALineBreakInOneIsRefusedAndNotSent) {
  ResolvedContext context = context_at("https://k.example");
  context.token = SecretString("t\r\nX-Other: y");
  EXPECT_THROW(headers_for(std::move(context)), Error);
}

}  // namespace
}  // namespace regsync::kube
