// Over a scripted transport.
#include "sync/cli/ask/whoami.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "sync/base/base64.hpp"
#include "tests/support/fake_transport.hpp"
#include "tests/support/key_pair.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

constexpr const char* reviews = "/apis/authentication.k8s.io/";

// A JSON Web Token of this subject.
std::string token_of(const std::string& subject) {
  std::string payload = base64_encode(json{{"sub", subject}}.dump());
  payload.erase(std::min(payload.find('='), payload.size()));
  return "e30." + payload + ".c2lnbmF0dXJl";
}

class Whoami : public testing::Test {
 protected:
  kube::KubeClient client(kube::ResolvedContext context = {}) {
    context.server = "https://k.example";
    return {std::move(context), server_.connect()};
  }
  std::string user_name(kube::ResolvedContext context = {}) {
    kube::KubeClient asking = client(std::move(context));
    return test::run(loop_, user_name_of(asking));
  }
  ErrorCode refusal() {
    kube::KubeClient asking = client();
    return test::error_of(loop_, user_name_of(asking)).code();
  }
  std::string user_name_of_token(const std::string& token) {
    kube::ResolvedContext context;
    context.token = SecretString(token);
    return user_name(std::move(context));
  }
  void review(const std::string& version, const std::string& name) {
    server_.answer("POST", reviews + version + "/", 201, {{"status", {{"userInfo", {{"username", name}}}}}});
  }
  void refuse(const std::string& version, int status, const char* reason, const char* message) {
    server_.answer("POST", reviews + version + "/", status, test::FakeTransport::status_body(status, reason, message));
  }

  asio::io_context loop_;
  test::FakeTransport server_{loop_.get_executor()};
};

TEST_F(Whoami, TheApiServerSaysIt) {
  review("v1", "jane");
  EXPECT_EQ(user_name_of_token(token_of("system:serviceaccount:ci:deployer")), "jane");
  EXPECT_EQ(server_.count("POST", reviews), 1U);
  EXPECT_EQ(json::parse(server_.requests().front().body).at("kind"), "SelfSubjectReview");
}

TEST_F(Whoami, AnOlderApiServerIsAskedAsItKnowsIt) {
  review("v1alpha1", "jane");
  EXPECT_EQ(user_name(), "jane");
  review("v1beta1", "joe");
  EXPECT_EQ(user_name(), "joe");
}

TEST_F(Whoami, WhoMayNotAskIsKnownByTheCredentials) {
  for (const char* version : {"v1", "v1beta1", "v1alpha1"}) {
    refuse(version, 403, "Forbidden",
           R"(selfsubjectreviews is forbidden: User "u" cannot create resource "selfsubjectreviews")");
  }
  EXPECT_EQ(user_name_of_token(token_of("system:serviceaccount:ci:deployer")), "system:serviceaccount:ci:deployer");
}

TEST_F(Whoami, AFaultOfTheApiServerIsTold) {
  refuse("v1", 500, "InternalError", "no");
  EXPECT_NE(refusal(), ErrorCode::not_found);
}

// A certificate that a load balancer before the API server took away: no right that "system:anonymous" gets is wanted.
TEST_F(Whoami, WhoShowsNoCredentialsIsNobody) {
  review("v1", "system:anonymous");
  EXPECT_EQ(refusal(), ErrorCode::unauthorized);
  server_.answer("POST", reviews, 403,
                 test::FakeTransport::status_body(
                     403, "Forbidden",
                     "selfsubjectreviews.authentication.k8s.io is forbidden: User \"system:anonymous\" cannot create "
                     "resource \"selfsubjectreviews\" in API group \"authentication.k8s.io\" at the cluster scope"));
  EXPECT_EQ(refusal(), ErrorCode::unauthorized);
}

TEST_F(Whoami, WhoMayNotImpersonateIsNotTheOneTheyWouldActAs) {
  refuse("v1", 403, "Forbidden",
         R"(users "deployer" is forbidden: User "alice" cannot impersonate resource "users" in API group "")");
  EXPECT_EQ(refusal(), ErrorCode::unauthorized);
}

// Of an API server that knows no reviews.
TEST_F(Whoami, ACertificateSaysItByItsCommonName) {
  const test::KeyPair pair = test::make_key_pair();
  kube::ResolvedContext context;
  context.client_certificate_data = pair.certificate;
  context.client_key_data = SecretString(pair.key);
  context.token = SecretString(token_of("system:serviceaccount:ci:deployer"));
  EXPECT_EQ(user_name(context.clone()), "test");
  context.impersonation.user = "admin";
  EXPECT_EQ(user_name(std::move(context)), "admin") << "whom it acts as";
}

TEST_F(Whoami, AServiceAccountsTokenSaysItByItsSubject) {
  const test::TempDir dir;
  kube::ResolvedContext context;
  context.token_file = dir.write("token", token_of("system:serviceaccount:ci:deployer")).string();
  EXPECT_EQ(user_name(std::move(context)), "system:serviceaccount:ci:deployer");
}

TEST_F(Whoami, OtherTokensSayNothing) {
  EXPECT_EQ(user_name_of_token(token_of("jane")), "") << "the API server may put something in front of it";
  EXPECT_EQ(user_name_of_token(token_of("system:serviceaccount:ci:deployer") + ".more"), "") << "no JSON Web Token";
  EXPECT_EQ(user_name_of_token("a.b"), "");
  EXPECT_EQ(user_name_of_token("opaque"), "");
  EXPECT_EQ(user_name(), "");
}

}  // namespace
}  // namespace regsync::cli
