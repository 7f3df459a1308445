#include "helper/secret_service/secret_service_reader.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

StoredItem item(const std::string& path, const char* schema, const std::string& server) {
  return {.path = path, .collection = {}, .schema = schema, .login = {server, "jdoe"}};
}

class StoreContentsTest : public testing::Test {
 protected:
  StoreContentsTest() {
    contents_.collections = {{.path = "/login", .label = "Login"}};
    contents_.items = {item("/login/1", login_schema, "ghcr.io")};
    contents_.items[0].collection = "/login";
  }
  StoreContents contents_;
};

TEST_F(StoreContentsTest, ANewItemIsTakenIn) {
  EXPECT_TRUE(contents_.take(item("/login/2", login_schema, "quay.io")));
  ASSERT_EQ(contents_.items.size(), 2U);
  EXPECT_EQ(contents_.items[1].collection, "/login");
  EXPECT_FALSE(contents_.take(item("/other/1", login_schema, "quay.io"))) << "of a collection that is not known";
}

TEST_F(StoreContentsTest, WhatAnotherProgramKeepsIsNoLogin) {
  EXPECT_TRUE(contents_.take(item("/login/2", nullptr, "")));
  EXPECT_EQ(contents_.items.size(), 1U);
  EXPECT_FALSE(contents_.take(item("/login/1", nullptr, ""))) << "a login may be gone";
}

TEST_F(StoreContentsTest, WhatNamesNoServerIsNoLogin) {
  EXPECT_TRUE(contents_.take(item("/login/2", login_schema, "")));
  EXPECT_EQ(contents_.items.size(), 1U);
  EXPECT_FALSE(contents_.take(item("/login/1", login_schema, ""))) << "a login may be gone";
}

TEST_F(StoreContentsTest, ALockedItemMayBeALoginWhateverItShows) {
  for (const char* path : {"/login/1", "/login/2"}) {
    for (const char* schema : {login_schema, static_cast<const char*>(nullptr)}) {
      StoredItem locked = item(path, schema, schema == nullptr ? "" : "ghcr.io");
      locked.locked = true;
      EXPECT_FALSE(contents_.take(std::move(locked))) << path;
    }
  }
  EXPECT_EQ(contents_.items.size(), 1U);
}

}  // namespace
}  // namespace regsync
