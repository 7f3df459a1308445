#include "sync/logins/denied_logins.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

const DeniedLogins::Time noon(1'790'000'000s);
const RegistryKey work("work@ghcr.io");

TEST(DeniedLogins, AreKnownAgainByWhereTheyAreKeptAndWhenTheyChanged) {
  const test::TempDir folder;
  const auto file = folder / "denied.json";
  const LoginMark mark{"/login", noon};
  DeniedLogins(file).add(work, {mark, noon + 1s, "HTTP 401"});
  const DeniedLogins denied(file);
  ASSERT_NE(denied.find(work, mark), nullptr);
  EXPECT_EQ(denied.find(work, mark)->said, "HTTP 401");
  EXPECT_EQ(denied.find(work, mark)->tried, noon + 1s);
  EXPECT_EQ(denied.find(work, {"/login", noon + 1s}), nullptr);
  EXPECT_EQ(denied.find(work, {"/other", noon}), nullptr);
  EXPECT_EQ(denied.find(RegistryKey("ghcr.io"), mark), nullptr) << "another account";
  DeniedLogins(file).drop(work);
  EXPECT_EQ(DeniedLogins(file).find(work, mark), nullptr);
}

TEST(DeniedLogins, TheFileIsBounded) {
  const test::TempDir folder;
  const auto file = folder / "denied.json";
  nlohmann::json all = nlohmann::json::array();
  for (int i = 0; i < 1100; ++i) {
    all.push_back({{"registry", "r" + std::to_string(i) + ".test"}, {"changed", 1}, {"tried", 1 + i}});
  }
  folder.write("denied.json", nlohmann::json{{"denied", all}}.dump());
  const LoginMark mark{"/login", noon};
  DeniedLogins denied(file);
  denied.add(work, {mark, noon, "no"});
  const auto kept = nlohmann::json::parse(test::read_file(file))["denied"];
  EXPECT_EQ(kept.size(), 1000U);
  EXPECT_EQ(kept.dump().find("\"r0.test\""), std::string::npos) << "the oldest went";
  EXPECT_NE(denied.find(work, mark), nullptr);
}

TEST(DeniedLogins, OddContentIsNoDenial) {
  const test::TempDir folder;
  for (const char* text :
       {"", "{", "[]", R"({"denied":7})", R"({"denied":[7,{},{"registry":7},{"registry":"a","changed":"x"}]})",
        R"({"denied":[{"registry":"a","changed":1e99}]})"}) {
    const auto file = folder.write("denied.json", text);
    const DeniedLogins denied(file);
    EXPECT_EQ(denied.find(RegistryKey("a"), {}), nullptr) << text;
  }
}

}  // namespace
}  // namespace regsync
