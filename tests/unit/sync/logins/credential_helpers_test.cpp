#include "sync/logins/credential_helpers.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

TEST(CredentialHelpers, WhatAFailingHelperSaysIsShownUnlessItMayHoldALogin) {
  EXPECT_EQ(quotable("gpg: no key\nmore"), "it printed \"gpg: no key\"");
  EXPECT_EQ(quotable(""), "it printed nothing");
  const std::string hidden = "its output is not shown, because it may hold the login";
  EXPECT_EQ(quotable(R"({"Username":"a","Secret":"canary"})"), hidden);
  EXPECT_EQ(quotable("warning\n{\n  \"Secret\": \"canary\"\n}"), hidden);
  const Credential known{{"ghcr.io", "a"}, SecretString("canary")};
  EXPECT_EQ(quotable("expired: canary", &known), hidden);
  EXPECT_EQ(quotable("expired: Y2FuYXJ5", &known), hidden) << "in base64";
  EXPECT_EQ(quotable("expired: YTpjYW5hcnk=", &known), hidden) << "as docker's auth";
  EXPECT_EQ(quotable("username=a\npassword=c4nary"), hidden) << "as git's helpers print it";
  EXPECT_EQ(quotable("alice:hunter2xyz"), hidden) << "a login, without a word that tells so";
  EXPECT_EQ(quotable("login failed:\n  alice:hunter2xyz\n"), hidden);
  EXPECT_EQ(quotable("expired", &known), "it printed \"expired\"");
}

TEST(CredentialHelpers, TheAnswerIsReadAsDockerReadsIt) {
  const CredentialHelper source{"corp", "ghcr.io", {}};
  const Credential login = parse_helper_answer(source, R"({"username":"alice","SECRET":"canary"})");
  EXPECT_EQ(login, (Credential{{"ghcr.io", "alice"}, SecretString("canary")})) << "the case of a name does not count";
}

TEST(CredentialHelpers, TheAdviceIsACommandWhateverTheServer) {
  try {
    parse_helper_answer({"corp", "x; $(id) #", {}}, "[]");
    ADD_FAILURE() << "no answer was taken for one";
  } catch (const Error& error) {
    EXPECT_EQ(error.remedy(), "try it: echo 'x; $(id) #' | docker-credential-corp get");
  }
}

}  // namespace
}  // namespace regsync
