#include "helper/store/registry_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace regsync {
namespace {

struct Spelling {
  std::string server;
  std::string value;
  std::string host;
  std::string path;
  std::string auths_key;
};

void PrintTo(const Spelling& spelling, std::ostream* out) { *out << spelling.server; }

class RegistryKeySpelling : public testing::TestWithParam<Spelling> {};

TEST_P(RegistryKeySpelling, HasOneCanonicalForm) {
  const RegistryKey key(GetParam().server);
  EXPECT_EQ(key.value(), GetParam().value);
  EXPECT_EQ(key.host(), GetParam().host);
  EXPECT_EQ(key.path(), GetParam().path);
  EXPECT_EQ(key.auths_key(), GetParam().auths_key);
  EXPECT_EQ(RegistryKey(key.value()), key) << "canonical forms are their own";
}

TEST_P(RegistryKeySpelling, IsAmongThoseOfItsCanonicalForm) {
  for (const std::string& spelling : RegistryKey(GetParam().server).spellings()) {
    EXPECT_EQ(RegistryKey(spelling), RegistryKey(GetParam().server)) << spelling;
  }
}

Spelling plain(std::string server, const std::string& host) { return {std::move(server), host, host, "", host}; }
Spelling hub(std::string server) {
  return {std::move(server), "docker.io", "docker.io", "", "https://index.docker.io/v1/"};
}

INSTANTIATE_TEST_SUITE_P(
    Table, RegistryKeySpelling,
    testing::Values(plain("ghcr.io", "ghcr.io"), plain("GHCR.io", "ghcr.io"), plain("https://ghcr.io", "ghcr.io"),
                    plain("http://ghcr.io", "ghcr.io"), plain("https://ghcr.io/", "ghcr.io"),
                    plain("https://ghcr.io/v1/", "ghcr.io"), plain("https://ghcr.io/v2/", "ghcr.io"),
                    plain("https://ghcr.io/v2", "ghcr.io"), plain("  ghcr.io\n", "ghcr.io"),
                    plain("https://alice:pw@ghcr.io", "ghcr.io"), plain("@ghcr.io", "ghcr.io"),
                    plain("localhost:5000", "localhost:5000"), plain("HTTP://LocalHost:5000/", "localhost:5000"),
                    plain("[::1]:5000", "[::1]:5000"), plain("ghcr.io:443", "ghcr.io"),
                    plain("https://GHCR.io:443/v2/", "ghcr.io"), plain("LocalHost:443", "localhost:443"),
                    plain("127.0.0.1:443", "127.0.0.1:443"), plain("[::1]:443", "[::1]:443"), plain("::443", "::443"),
                    plain(":443", ":443"), plain("ghcr.io:443:443", "ghcr.io:443:443"),
                    plain("ghcr.io:80", "ghcr.io:80"), plain("ghcr.io:8443", "ghcr.io:8443"),
                    Spelling{"quay.io:443/Team", "quay.io/Team", "quay.io", "/Team", "quay.io/Team"},
                    Spelling{"ghcr.io/Team/app", "ghcr.io/Team/app", "ghcr.io", "/Team/app", "ghcr.io/Team/app"},
                    Spelling{"https://quay.io/v2/app/", "quay.io/v2/app", "quay.io", "/v2/app", "quay.io/v2/app"},
                    hub("https://index.docker.io/v1/"), hub("index.docker.io"), hub("docker.io"), hub("DOCKER.IO"),
                    hub("registry-1.docker.io"), hub("https://registry-1.docker.io/v2/"),
                    hub("registry.hub.docker.com"), hub("https://index.docker.io/v1"), hub("index.docker.io:443"),
                    hub("https://index.docker.io:443/v1/"), hub("docker.io:443"), plain("", ""), plain("https://", ""),
                    plain("https:///", ""), plain("://", "")));

// `nerdctl login` stores the port, and a keyring that was locked since it started is searched by names alone.
TEST(RegistryKey, TheDefaultPortIsAmongTheSpellings) {
  EXPECT_THAT(RegistryKey("ghcr.io").spellings(), testing::IsSupersetOf({"ghcr.io:443", "https://ghcr.io:443"}));
  EXPECT_THAT(RegistryKey("quay.io/team").spellings(), testing::Contains("quay.io:443/team"));
  EXPECT_THAT(RegistryKey("docker.io").spellings(), testing::Contains("index.docker.io:443"));
  EXPECT_THAT(RegistryKey("ghcr.io:5000").spellings(), testing::Each(testing::Not(testing::HasSubstr(":443"))));
}

// Its port must be that of the image.
TEST(RegistryKey, TheEntryThatKubeletFindsHasThePortThatIsWritten) {
  EXPECT_EQ(auths_key_of("ghcr.io"), "ghcr.io");
  EXPECT_EQ(auths_key_of("https://GHCR.io:443/"), "ghcr.io:443");
  EXPECT_EQ(auths_key_of("work@ghcr.io:443/acme"), "ghcr.io:443/acme");
  EXPECT_EQ(auths_key_of("index.docker.io:443"), "https://index.docker.io/v1/");
  EXPECT_EQ(auths_key_of("[::1]:443"), "[::1]:443");
  EXPECT_EQ(auths_key_of(auths_key_of("ghcr.io:443/acme")), "ghcr.io:443/acme");
}

TEST(RegistryKey, PortAndPathMakeAnotherRegistry) {
  EXPECT_NE(RegistryKey("ghcr.io"), RegistryKey("ghcr.io:5000"));
  EXPECT_NE(RegistryKey("ghcr.io"), RegistryKey("ghcr.io/team"));
  EXPECT_NE(RegistryKey("docker.io"), RegistryKey("docker.io.example"));
}

TEST(RegistryKey, AnAccountIsAnotherLoginOfTheSameRegistry) {
  const RegistryKey work("https://work@GHCR.io/Acme/");
  EXPECT_EQ(work.value(), "work@ghcr.io/Acme");
  EXPECT_EQ(work.account(), "work");
  EXPECT_EQ(work.registry(), "ghcr.io/Acme");
  EXPECT_EQ(work.host(), "ghcr.io");
  EXPECT_EQ(work.path(), "/Acme");
  EXPECT_EQ(work.auths_key(), "ghcr.io/Acme") << "kubelet knows no accounts";
  EXPECT_EQ(work.whole_host(), RegistryKey("work@ghcr.io"));
  EXPECT_EQ(RegistryKey(work.value()), work);
  EXPECT_NE(work, RegistryKey("ghcr.io/Acme"));
  EXPECT_NE(work, RegistryKey("home@ghcr.io/Acme"));
  EXPECT_EQ(RegistryKey("a/b@c").account(), "") << "a path is no account";
  const RegistryKey hub("work@index.docker.io");
  EXPECT_TRUE(hub.is_hub());
  EXPECT_EQ(hub.auths_key(), "https://index.docker.io/v1/");
  EXPECT_EQ(login_command(RegistryKey("work@ghcr.io")), "regsync login --account work ghcr.io");
  EXPECT_EQ(login_command(RegistryKey("ghcr.io")), "docker login ghcr.io");
  EXPECT_EQ(login_command(RegistryKey("x;$(id)")), "docker login 'x;$(id)'");
  EXPECT_EQ(login_command(RegistryKey("a@x`id`")), "regsync login --account a 'x`id`'");
}

TEST(RegistryKey, DockersClientsHaveNoAccounts) {
  EXPECT_EQ(RegistryKey::of_client("https://work@ghcr.io"), RegistryKey("ghcr.io"));
}

TEST(RegistryKey, AccountNamesAreShortPlainWords) {
  for (const char* name : {"work", "Work-2", "a.b_c", "7"}) {
    EXPECT_TRUE(is_account_name(name)) << name;
  }
  for (const std::string& name : {std::string(), std::string("-a"), std::string("a:b"), std::string("a b"),
                                  std::string("a@b"), std::string("\xc3\xa4"), std::string(64, 'a')}) {
    EXPECT_FALSE(is_account_name(name)) << name;
  }
}

TEST(RegistryKey, HubIsTheOnlyHub) {
  EXPECT_TRUE(RegistryKey("https://index.docker.io/v1/").is_hub());
  EXPECT_FALSE(RegistryKey("docker.io/library").is_hub());
  EXPECT_FALSE(RegistryKey("index.docker.io.example").is_hub());
}

TEST(HubTokenEntry, IsRecognisedInBothSpellings) {
  EXPECT_TRUE(is_hub_token_entry("https://index.docker.io/v1/access-token"));
  EXPECT_TRUE(is_hub_token_entry("https://index.docker.io/v1/refresh-token"));
  EXPECT_TRUE(is_hub_token_entry("https://index.docker.io/v1//access-token"));
  EXPECT_FALSE(is_hub_token_entry("https://index.docker.io/v1/"));
  EXPECT_FALSE(is_hub_token_entry("https://ghcr.io/v1/access-token"));
  EXPECT_FALSE(is_hub_token_entry("docker.io/access-token"));
}

TEST(HubTokenEntry, IsNotTheHubLogin) {
  EXPECT_NE(RegistryKey("https://index.docker.io/v1/access-token"), RegistryKey("https://index.docker.io/v1/"));
}

}  // namespace
}  // namespace regsync
