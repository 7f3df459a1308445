#include "sync/model/change.hpp"

#include <gtest/gtest.h>

#include <set>

namespace regsync {
namespace {

using Kind = Change::Kind;

std::string told(Kind kind, Why why) {
  return describe({.kind = kind,
                   .why = why,
                   .target = "web",
                   .context = "dev",
                   .name_space = "team",
                   .secret = "cred",
                   .service_account = "default",
                   .pod = kind == Kind::evicted ? "web-1" : ""});
}

TEST(Change, IsToldInOneLineWithItsReason) {
  EXPECT_EQ(told(Kind::created, Why::missing), "Secret cred created: it was missing");
  EXPECT_EQ(told(Kind::deleted, Why::target_removed), "Secret cred deleted: the target was removed");
  EXPECT_EQ(told(Kind::released, Why::given_away), "Secret cred released: the target was removed with --keep-secrets");
}

TEST(Change, OfAServiceAccountNamesIt) {
  EXPECT_EQ(told(Kind::attached, Why::attach),
            "Secret cred attached to ServiceAccount default: the target names the ServiceAccount");
  EXPECT_EQ(told(Kind::detached, Why::detach),
            "Secret cred detached from ServiceAccount default: the target no longer names the ServiceAccount");
}

TEST(Change, OfAPodNamesThePod) {
  EXPECT_EQ(told(Kind::evicted, Why::heal),
            "pod web-1 evicted: it could not pull, and what it waited for was repaired");
}

TEST(Change, EachReasonAndKindHasWordsOfItsOwn) {
  std::set<std::string_view> words;
  for (int why = 0; why <= static_cast<int>(Why::heal); ++why) {
    const std::string_view text = to_string(static_cast<Why>(why));
    EXPECT_FALSE(text.empty()) << why;
    EXPECT_TRUE(words.insert(text).second) << text;
  }
  for (int kind = 0; kind <= static_cast<int>(Kind::evicted); ++kind) {
    const std::string_view text = to_string(static_cast<Kind>(kind));
    EXPECT_FALSE(text.empty()) << kind;
    EXPECT_TRUE(words.insert(text).second) << text;
  }
}

}  // namespace
}  // namespace regsync
