#include "tests/support/canary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* secret = "s3cret-word";

Canaries of_alice() {
  Canaries canaries;
  canaries.add("alice", secret);
  return canaries;
}

TEST(Canaries, AreFoundAsTheyAreAndInBase64) {
  const Canaries canaries = of_alice();
  EXPECT_TRUE(canaries.are_in("password: s3cret-word!"));
  EXPECT_TRUE(canaries.are_in(R"({"data": "czNjcmV0LXdvcmQ="})"));          // of the secret
  EXPECT_TRUE(canaries.are_in(R"({"auth": "YWxpY2U6czNjcmV0LXdvcmQ="})"));  // of alice:secret
  EXPECT_FALSE(canaries.are_in("s3cret-wor"));
  EXPECT_FALSE(Canaries().are_in(secret));
}

TEST(Canaries, AreFoundInFilesExceptThoseOfTheKeyring) {
  const TempDir home;
  home.write(".local/share/keyrings/login.keyring", secret);
  home.write("plain", "nothing");
  EXPECT_THAT(of_alice().files_below(home.path()), IsEmpty());
  const auto leak = home.write(".local/state/leak", secret);
  EXPECT_THAT(of_alice().files_below(home.path()), ElementsAre(leak.string()));
}

TEST(Canaries, AreFoundInArgumentsAndEnvironment) {
  auto environment = own_environment();
  environment["LEAK"] = secret;
  const Process process(
      {.argv = {"sh", "-c", "while :; do sleep 0.1; done; : s3cret-word"}, .env = environment, .in = {}});
  const auto places = [&] { return of_alice().places_in(process.pid()); };
  ASSERT_TRUE(wait_until([&] { return !places().empty(); })) << "the program has begun";
  EXPECT_THAT(places(), ElementsAre(HasSubstr("cmdline"), HasSubstr("environ")));
  EXPECT_THAT(of_alice().places_in_processes(), ::testing::IsSupersetOf(places()));
}

}  // namespace
}  // namespace regsync::test
