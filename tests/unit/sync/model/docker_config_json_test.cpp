#include "sync/model/docker_config_json.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "sync/base/base64.hpp"

namespace regsync {
namespace {

Credential login(std::string server, std::string user, std::string_view secret) {
  return {{std::move(server), std::move(user)}, SecretString(secret)};
}

std::string payload(std::string key, std::string user, std::string_view password, std::string email) {
  PullEntries entries;
  entries[std::move(key)] = {std::move(user), SecretString(password), std::move(email)};
  return base64_decode(Payload(entries).base64()).value_or("not base64");
}

// Expectations taken from `kubectl create secret docker-registry --dry-run=client -o yaml`.
TEST(DockerConfigJson, IsByteForByteWhatKubectlWrites) {
  EXPECT_EQ(payload("ghcr.io", "u", "p", "e"),
            R"({"auths":{"ghcr.io":{"username":"u","password":"p","email":"e","auth":"dTpw"}}})");
  EXPECT_EQ(payload("https://index.docker.io/v1/", "u", "p", ""),
            R"({"auths":{"https://index.docker.io/v1/":{"username":"u","password":"p","auth":"dTpw"}}})");
}

TEST(DockerConfigJson, EscapesAsGoDoes) {
  EXPECT_EQ(payload("h", "u", "a<b>&\"\\/ü", ""),
            "{\"auths\":{\"h\":{\"username\":\"u\",\"password\":\"a\\u003cb\\u003e\\u0026\\\"\\\\/ü\","
            "\"auth\":\"dTphPGI+JiJcL8O8\"}}}");
}

TEST(DockerConfigJson, EscapesALongSecretInTimeThatGrowsWithItsLength) {
  const std::string password(900'000, '<');
  std::string escaped;
  for (std::size_t i = 0; i < password.size(); ++i) {
    escaped += "\\u003c";
  }
  const auto begin = std::chrono::steady_clock::now();
  const bool is_escaped = payload("h", "u", password, "").find(escaped) != std::string::npos;
  EXPECT_TRUE(is_escaped);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST(DockerConfigJson, SortsKeysAsGoSortsAMap) {
  PullEntries entries;
  entries["quay.io"] = {"u", SecretString("p"), ""};
  entries["ghcr.io"] = {"u", SecretString("p"), ""};
  const auto json = base64_decode(Payload(entries).base64()).value();
  EXPECT_LT(json.find("ghcr.io"), json.find("quay.io"));
}

TEST(DockerConfigJson, EqualLoginsHaveEqualDigests) {
  PullEntries a;
  a["h"] = {"u", SecretString("p"), ""};
  PullEntries b;
  b["h"] = {"u", SecretString("p"), ""};
  PullEntries c;
  c["h"] = {"u", SecretString("q"), ""};
  EXPECT_EQ(Payload(a).digest(), Payload(b).digest());
  EXPECT_NE(Payload(a).digest(), Payload(c).digest());
}

TEST(DockerConfigJson, ReadsBackTheUsableEntriesOnly) {
  const auto entries = parse_docker_config_json(
      R"({"auths":{"a":{"username":"u","password":"p","email":"e","auth":"dTpw"},"b":{"auth":"%%%"},"c":7,"d":{"username":"","password":"p"}}})");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries.at("a").username, "u");
  EXPECT_EQ(entries.at("a").password.reveal(), "p");
  EXPECT_EQ(entries.at("a").email, "e");
  EXPECT_TRUE(parse_docker_config_json("not json").empty());
}

TEST(DockerConfigJson, ReadsEachEntryAsKubeletDoes) {
  const auto entries = parse_docker_config_json(R"({"Auths":{
    "https://ghcr.io":{"auth":"YTpi"},
    "docker.io":{"auth":"YTpi"},
    "quay.io":{"username":"old","password":"old","auth":"YTpi"},
    "http://quay.io":{"auth":"eDp5"},
    "work@a.example":{"auth":"YTpi"},
    "https://b.example/v2":{"auth":"YTpi"},
    "team.example/x/":{"auth":"YTpi"},
    "port.example:443":{"auth":"YTpi"},
    "broken.example":{"username":"u","password":"p","auth":7}}})");
  std::string read;
  for (const auto& [key, entry] : entries) {
    read += key + " " + entry.username + ":" + std::string(entry.password.reveal()) + "\n";
  }
  EXPECT_EQ(read,
            "ghcr.io a:b\n"
            "https://index.docker.io/v1/ a:b\n"
            "port.example:443 a:b\n"
            "quay.io a:b\n"
            "team.example/x a:b\n");
}

TEST(DockerConfigJson, OfSeveralSpellingsTheOneOfTheKeyCounts) {
  const auto entries = parse_docker_config_json(
      R"({"auths":{"docker.io":{"auth":"eDp5"},"https://index.docker.io/v1/":{"auth":"YTpi"}}})");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries.begin()->second.username, "a");
}

TEST(UnfitForKubelet, RefusesWhatNoSecretCanHold) {
  EXPECT_FALSE(unfit_for_kubelet(login("ghcr.io", "u", std::string(max_login_bytes - 1, 'x'))));
  EXPECT_TRUE(unfit_for_kubelet(login("ghcr.io", "u", std::string(max_login_bytes, 'x'))));
  EXPECT_TRUE(unfit_for_kubelet(login("ghcr.io", std::string(max_login_bytes, 'x'), "x")));
}

TEST(UnfitForKubelet, RefusesWhatWouldBreakEveryPullSecretOfAPod) {
  EXPECT_FALSE(unfit_for_kubelet(login("ghcr.io", "u", "p")));
  EXPECT_FALSE(unfit_for_kubelet(login("127.0.0.1:5000", "u", "p:with:colons")));
  EXPECT_FALSE(unfit_for_kubelet(login("gcr.io", "_json_key", "{\n  \"type\": \"service_account\"\n}\n")));
  EXPECT_FALSE(unfit_for_kubelet(login("[::1]:5000", "u", "p")));
  EXPECT_FALSE(unfit_for_kubelet(login("http://[2001:db8::7]:5000", "u", "p")));
  EXPECT_TRUE(unfit_for_kubelet(login("[::1]", "u", "p"))) << "kubelet takes it for a pattern";
  EXPECT_TRUE(unfit_for_kubelet(login("[a-z]:5000", "u", "p")));
  for (const auto& bad :
       {login("ghcr.io", "<token>", "p"), login("ghcr.io", "u:v", "p"), login("ghcr.io", "", "p"),
        login("ghcr.io", "u", ""), login("*.io", "u", "p"), login("https://index.docker.io/v1/access-token", "u", "p"),
        login("https://index.docker.io/v1//refresh-token", "u", "p")}) {
    const auto error = unfit_for_kubelet(bad);
    ASSERT_TRUE(error) << bad.login.server << " " << bad.login.username;
    EXPECT_EQ(error->code(), ErrorCode::unusable_login);
    EXPECT_FALSE(error->remedy().empty());
  }
}

}  // namespace
}  // namespace regsync
