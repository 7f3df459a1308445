// Logins that were replaced, in a real keyring.
#include "daemon/sources/replaced_logins.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const Credential> login(const std::string& password) {
  return std::make_shared<const Credential>(Credential{{"replaced.test", "jdoe"}, SecretString(password)});
}

std::string kept() {
  const auto found = SecretServiceStore(Prompt::never, -1, Shelf::replaced).get("replaced.test");
  return found ? std::string(found->secret.reveal()) : "";
}

TEST(ReplacedLogins, TheLastOneIsKeptWhereNoClientSeesIt) {
  ReplacedLogins replaced;
  replaced.keep(login("one"));
  replaced.keep(login("two"));
  EXPECT_TRUE(wait_until([] { return kept() == "two"; }));
  SecretServiceStore store(Prompt::never);
  EXPECT_FALSE(store.get("replaced.test"));
  EXPECT_TRUE(std::ranges::none_of(store.list(), [](const Login& each) { return each.server == "replaced.test"; }));
  replaced.drop_old({});
  replaced.keep(login("three"));
  EXPECT_TRUE(wait_until([] { return kept() == "three"; }));
}

// They would stay in the daemon for good: 3 MiB and three threads.
TEST(ReplacedLogins, NeedNeitherLibsecretNorGlib) {
  ReplacedLogins replaced;
  replaced.keep(login("five"));
  EXPECT_TRUE(wait_until([] { return kept() == "five"; }));
  const std::string loaded = read_file("/proc/self/maps");
  EXPECT_EQ(loaded.find("libsecret"), std::string::npos);
  EXPECT_EQ(loaded.find("libglib"), std::string::npos);
}

TEST(ReplacedLogins, GoAfterTheirTimeUnlessTheNewOneIsInDoubt) {
  ReplacedLogins replaced(0s);
  replaced.keep(login("four"));
  replaced.drop_old({RegistryKey("replaced.test")});
  EXPECT_TRUE(wait_until([] { return kept() == "four"; }));
  replaced.drop_old({});
  EXPECT_TRUE(wait_until([] { return kept().empty(); }));
}

}  // namespace
}  // namespace regsync::test
