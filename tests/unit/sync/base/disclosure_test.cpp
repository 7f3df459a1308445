#include "sync/base/disclosure.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

TEST(Disclosure, IsSeenInWhatLooksLikeASecret) {
  for (const char* text :
       {"password=hunter2", "Password: 'hunter2'", "user a, SECRET=abcDEF", R"({"token": "c4nary-x"})",
        "token: c4nary\n", "Authorization: Basic YTpiYzE=", "header Bearer abc123",
        "clientKeyData: LS0tLS1CRUdJTg==", "got eyJhbGciOiJSUzI1NiJ9.eyJzdWIi.x", "-----BEGIN RSA PRIVATE KEY-----",
        R"({"token":"correcthorsebattery"})", "login failed: password=correcthorse", "token : 'correcthorse'",
        "REGISTRY_AUTH=YTpiYzpk", "first line\npassword:S3CRET!"}) {
    EXPECT_TRUE(may_disclose(text)) << text;
  }
}

TEST(Disclosure, IsNotSeenInWhatPeopleNeedToRead) {
  for (const char* text :
       {"", "failed to refresh token: connection refused", "gpg: no key", "invalid password", "no secret key",
        "Failed to retrieve access token:: failure while executing gcloud, with args [config]: exit status 1",
        "An error occurred (ExpiredToken) when calling the AssumeRole operation: The security token is expired",
        "credentials not found in native keychain", "eyJ is how they begin", "Basic Authentication is off",
        "error: auth: expired"}) {
    EXPECT_FALSE(may_disclose(text)) << text;
  }
}

}  // namespace
}  // namespace regsync
