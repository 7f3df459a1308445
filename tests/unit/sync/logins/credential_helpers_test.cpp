#include "sync/logins/credential_helpers.hpp"

#include <gmock/gmock.h>
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

TEST(CredentialHelpers, WhereTheAnswerBelongsOnlyProseAndKnownSentencesAreShown) {
  for (const char* said :
       {"hunter2xyz", "<Secret>hunter2xyz</Secret>", "Secret\thunter2xyz", "bob hunter2xyz", "password: swordfish",
        "Secret: s3cr3", "password swordfish9", "login failed for bob with hunter2xyz",
        "login failed for bob:swordfish", "expired", "the password of bob is swordfish", "his API TOKEN is swordfish",
        "PASS is what swordfish is", R"({"Username":"a","Secret":"canary"})", "a b c user=bob", "alice:hunter2xyz"}) {
    EXPECT_EQ(quotable_answer(said, 3),
              "it ended with exit code 3, and its output is not shown, because it may hold the login")
        << said;
  }
  EXPECT_EQ(quotable_answer("\n", 1), "it ended with exit code 1 and printed nothing");
  EXPECT_EQ(quotable_answer("session expired, run `cloud login`\nmore\n", 1),
            "it printed \"session expired, run `cloud login`\"");
  EXPECT_EQ(quotable_answer("credentials not found in native keychain\n", 1),
            "it printed \"credentials not found in native keychain\"");
  EXPECT_EQ(quotable_answer("exit status 2: gpg: decryption failed: No secret key", 1),
            "it printed \"gpg: decryption failed: No secret key\"");
  EXPECT_EQ(quotable_answer("pass not initialized: hunter2xyz", 1), "it printed \"pass not initialized\"");
  const Credential known{{"ghcr.io", "a"}, SecretString("swordfish")};
  EXPECT_THAT(quotable_answer("the new one is swordfish", 1, &known), testing::HasSubstr("not shown"));
}

TEST(CredentialHelpers, AHelperHasANameAndNoPath) {
  EXPECT_TRUE(is_helper_name("ecr-login"));
  EXPECT_TRUE(is_helper_name("gcr.old_2"));
  for (const char* name : {"", "../../x", "a/b", "/x"}) {
    EXPECT_FALSE(is_helper_name(name)) << name;
  }
}

TEST(CredentialHelpers, TheAnswerIsReadAsDockerReadsIt) {
  const CredentialHelper source{"corp", "ghcr.io", {}};
  const Credential login = parse_helper_answer(source, R"({"username":"alice","SECRET":"canary"})");
  EXPECT_EQ(login, (Credential{{"ghcr.io", "alice"}, SecretString("canary")})) << "the case of a name does not count";
}

TEST(CredentialHelpers, AnIdentityTokenOfAcrIsALoginThatKubeletCanUse) {
  constexpr const char* answer = R"({"Username":"<token>","Secret":"canary"})";
  for (const char* host : {"team.azurecr.io", "team.azurecr.cn", "team.azurecr.us", "team.azurecr.de"}) {
    const Credential login = parse_helper_answer({"acr-env", host, {}}, answer);
    EXPECT_EQ(login.login.username, "00000000-0000-0000-0000-000000000000") << host;
    EXPECT_EQ(login.secret.reveal(), "canary");
    EXPECT_EQ(known_lifetime(RegistryKey(host)), std::chrono::hours(3)) << host;
  }
  EXPECT_EQ(parse_helper_answer({"corp", "azurecr.io.example", {}}, answer).login.username, "<token>");
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
