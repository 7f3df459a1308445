#include "sync/cluster/write_trouble.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/base/paths.hpp"

namespace regsync {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

const Key key{"team", "cred"};

Payload payload() {
  PullEntries entries;
  entries["ghcr.io"] = {.username = "jdoe", .password = SecretString("hunter2"), .email = ""};
  return Payload(entries);
}

Plan plan() {
  Plan made;
  made.target.name = "web";
  return made;
}

SecretView as_written() {
  SecretView view;
  view.target = "web";
  view.digest = payload().digest();
  view.ownership = Ownership::ours;
  return view;
}

TEST(WriteTrouble, AnAnswerThatIsWhatWasMeantIsNone) {
  const Payload written = payload();
  EXPECT_FALSE(secret_changed_on_the_way(key, as_written(), plan(), written));
}

TEST(WriteTrouble, WhatTheClusterMadeOfAWriteIsNamed) {
  const Payload written = payload();
  const auto changed = [&](auto change) {
    SecretView answer = as_written();
    change(answer);
    const auto error = secret_changed_on_the_way(key, answer, plan(), written);
    EXPECT_TRUE(error && error->code() == ErrorCode::rejected);
    return error ? error->message() : "nothing";
  };
  EXPECT_THAT(changed([](SecretView& answer) { answer.digest = {}; }), HasSubstr("changed .data on the way"));
  EXPECT_THAT(changed([](SecretView& answer) {
                answer.ownership = Ownership::relabelled;
                answer.holder = "helm";
              }),
              HasSubstr("the label app.kubernetes.io/managed-by (now \"helm\")"));
  EXPECT_THAT(changed([](SecretView& answer) { answer.target = "api"; }), HasSubstr("its labels or annotations"));
  for (const Ownership other : {Ownership::unplaced, Ownership::copy, Ownership::other_owner, Ownership::unmanaged}) {
    EXPECT_THAT(changed([&](SecretView& answer) { answer.ownership = other; }), HasSubstr("its labels or annotations"));
  }
}

TEST(WriteTrouble, WhatStaysOfARemovedTargetSaysWhoseItIs) {
  const auto said = [](Ownership ownership, const std::string& holder) {
    SecretView secret;
    secret.ownership = ownership;
    secret.holder = holder;
    const Error error = left_alone_error(key, secret, "my prod");
    EXPECT_EQ(error.code(), ErrorCode::not_owned);
    const bool was_ours = ownership == Ownership::relabelled || ownership == Ownership::copy;
    EXPECT_EQ(error.remedy(), was_ours ? "if nothing needs it: kubectl -n team delete secret cred" : "");
    return error.message();
  };
  EXPECT_EQ(said(Ownership::unmanaged, "kubectl"),
            "Secret team/cred in context my prod was not made by regsync, and stays");
  EXPECT_THAT(said(Ownership::relabelled, ""), HasSubstr("its label app.kubernetes.io/managed-by is gone, so"));
  EXPECT_THAT(said(Ownership::relabelled, "helm"), HasSubstr("is now \"helm\", so it counts as somebody else's"));
  EXPECT_THAT(said(Ownership::other_owner, "eve@host"), HasSubstr("another regsync keeps it, eve@host"));
  EXPECT_THAT(said(Ownership::copy, "team-a/cred"), HasSubstr("it is a copy of team-a/cred"));
}

TEST(WriteTrouble, MissingAccountsAreCounted) {
  EXPECT_EQ(accounts_missing(key, {"default"}).message(), "ServiceAccount default does not exist in namespace team");
  EXPECT_EQ(accounts_missing(key, {"a", "b"}).message(), "ServiceAccounts a, b do not exist in namespace team");
  EXPECT_THAT(accounts_missing(key, {"a", "b"}).remedy(), HasSubstr("kubectl -n team create serviceaccount a"));
}

TEST(WriteTrouble, WhoWritesAgainstUsCanBeFound) {
  const Owner owner{"id", "id jdoe@laptop"};
  EXPECT_THAT(fight_over_secret(key, nullptr, owner).remedy(),
              HasSubstr("kubectl -n team get secret cred --show-managed-fields"));
  const Error accounts = fight_over_accounts(key, {"default", "builder"});
  EXPECT_THAT(accounts.message(), HasSubstr("ServiceAccount team/default is changed again and again"));
  EXPECT_THAT(accounts.remedy(), HasSubstr("get serviceaccount default"));
  EXPECT_THAT(account_changed_on_the_way(key, "default").message(), HasSubstr("took cred out of its imagePullSecrets"));
}

TEST(WriteTrouble, AnotherRegsyncWithTheSameOwnerIdIsNamed) {
  const Owner owner{"id", "id jdoe@laptop"};
  SecretView secret = as_written();
  secret.holder = "jdoe@clone";
  for (const Error& error : {fight_over_secret(key, &secret, owner), fight_over_deletion(key, &secret, owner)}) {
    EXPECT_THAT(error.message(), HasSubstr("again and again by somebody else, and bears the name of regsync of "
                                           "jdoe@clone: that has the same owner id"));
    EXPECT_THAT(error.remedy(), HasSubstr("remove the file " + paths::owner().string() + " on that machine"));
  }
  secret.holder = "jdoe@laptop";
  EXPECT_THAT(fight_over_secret(key, &secret, owner).message(), EndsWith("by somebody else")) << "who left our marks";
  secret.ownership = Ownership::unmanaged;
  secret.holder = "kubectl";
  EXPECT_THAT(fight_over_secret(key, &secret, owner).message(), EndsWith("by somebody else"));
}

TEST(WriteTrouble, WhatPassesByItselfNeedsNobody) {
  for (const ErrorCode code :
       {ErrorCode::stale, ErrorCode::unreachable, ErrorCode::timeout, ErrorCode::overloaded, ErrorCode::server_error,
        ErrorCode::expired, ErrorCode::cancelled, ErrorCode::internal}) {
    EXPECT_FALSE(needs_help(code)) << to_string(code);
  }
  for (const ErrorCode code : {ErrorCode::forbidden, ErrorCode::rejected, ErrorCode::immutable,
                               ErrorCode::namespace_missing, ErrorCode::field_conflict, ErrorCode::not_owned}) {
    EXPECT_TRUE(needs_help(code)) << to_string(code);
  }
}

}  // namespace
}  // namespace regsync
