#include "sync/model/kubelet_keyring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "helper/base/error.hpp"
#include "sync/base/base64.hpp"
#include "sync/cli/view/console.hpp"
#include "sync/model/image.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

std::string payload(std::initializer_list<const char*> keys) {
  json auths = json::object();
  for (const char* key : keys) {
    auths[key] = {{"username", key}, {"password", "p"}};
  }
  return json{{"auths", auths}}.dump();
}

// The keys that kubelet tries for an image, in its order.
std::vector<std::string> tried(std::initializer_list<const char*> keys, const char* image) {
  const std::vector<KubeletEntry> entries = read_for_kubelet(payload(keys));
  std::vector<std::string> found;
  for (const KubeletEntry* entry : entries_for(entries, parse_image(image).name())) {
    found.push_back(entry->key);
  }
  return found;
}

TEST(KubeletKeyring, EntriesMatchByKubeletsRules) {
  struct Case {
    const char* key;
    const char* image;
    bool matches;
  };
  // facts of pkg/credentialprovider (keyring_test.go) and of kubelet's documentation of matchImages
  for (const Case& c : std::initializer_list<Case>{
           {"ghcr.io", "ghcr.io/acme/app", true},
           {"https://ghcr.io", "ghcr.io/acme/app:1", true},
           {"https://ghcr.io/", "ghcr.io/acme/app", true},
           {"https://ghcr.io/v1/", "ghcr.io/acme/app", true},
           {"https://ghcr.io/v2/", "ghcr.io/acme/app", true},
           {"https://ghcr.io/v2", "ghcr.io/acme/app", false},  // no slash: a path like any other
           {"quay.io/foo", "quay.io/foo/bar", true},
           {"quay.io/foo", "quay.io/foobar", true},  // a plain prefix
           {"quay.io/foo", "quay.io/bar", false},
           {"*.example.com", "registry.example.com/a", true},
           {"*.example.com", "a.b.example.com/a", false},  // as many labels
           {"*.example.com", "example.com/a", false},
           {"reg*.example.com", "registry.example.com/a", true},
           {"reg[a-z].example.com", "regx.example.com/a", true},
           {"reg[a-z].example.com:5000", "regx.example.com:5000/a", false},  // net.SplitHostPort takes no brackets
           {"[::1]:5000", "[::1]:5000/a", true},
           {"127.0.0.1:5000", "127.0.0.1:5000/a", true},
           {"127.0.0.1:5000", "127.0.0.1:5001/a", false},
           {"127.0.0.1", "127.0.0.1:5000/a", false},
           {"https://index.docker.io/v1/", "nginx", true},
           {"https://index.docker.io/v1/", "acme/app:2", true},
           {"https://index.docker.io/v1/", "docker.io/acme/app", true},
           {"https://index.docker.io/v1/", "ghcr.io/acme/app", false},
           {"registry-1.docker.io", "nginx", false},
           {"https://index.docker.io/v1/", "registry-1.docker.io/acme/app", false},
           {"https://index.docker.io/v1/", "registry.hub.docker.com/acme/app", false},
           {"docker.io", "nginx", true},
       }) {
    EXPECT_EQ(!tried({c.key}, c.image).empty(), c.matches) << c.key << " for " << c.image;
  }
}

TEST(KubeletKeyring, TheMoreSpecificPathIsTriedFirst) {
  EXPECT_THAT(tried({"quay.io", "quay.io/coreos", "ghcr.io"}, "quay.io/coreos/etcd"),
              ElementsAre("quay.io/coreos", "quay.io"));
}

TEST(KubeletKeyring, NamesOfHubThatItsKeyDoesNotServeAreKnown) {
  EXPECT_TRUE(is_hub_alias("registry-1.docker.io"));
  EXPECT_TRUE(is_hub_alias("registry.hub.docker.com"));
  for (const char* host : {"docker.io", "index.docker.io", "ghcr.io", ""}) {
    EXPECT_FALSE(is_hub_alias(host)) << host;
  }
}

TEST(KubeletKeyring, AuthWinsOverUserAndPassword) {
  const auto entries = read_for_kubelet(
      json{{"auths", {{"x", {{"username", "a"}, {"password", "b"}, {"auth", base64_encode("c:d:e")}}}}}}.dump());
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].username, "c");
  EXPECT_EQ(entries[0].password.reveal(), "d:e");
}

TEST(KubeletKeyring, LineEndsInAuthDoNotCount) {
  const std::string password(80, 'p');
  for (const std::string& user : {std::string("u"), std::string("us"), std::string("use")}) {
    std::string auth = base64_encode(user + ":" + password);
    const std::string padded = auth;
    auth.erase(auth.find_last_not_of('=') + 1);
    for (std::string wrapped : {auth, padded}) {
      wrapped.insert(76, "\n");
      const std::string text = json{{"auths", {{"ghcr.io", {{"auth", wrapped + "\n"}}}}}}.dump();
      const auto entries = read_for_kubelet(text);
      ASSERT_EQ(entries.size(), 1U);
      EXPECT_EQ(entries[0].username, user);
      EXPECT_EQ(entries[0].password.reveal(), password);
    }
  }
}

// As encoding/json decodes: null changes nothing, and the case of a field's name does not count.
TEST(KubeletKeyring, FieldsAreReadAsGoReadsThem) {
  EXPECT_THAT(read_for_kubelet("null"), IsEmpty());
  EXPECT_THAT(read_for_kubelet(R"({"auths":null})"), IsEmpty());
  const auto entries =
      read_for_kubelet(R"({"Auths":{"x":null,"y":{"Username":"a","password":null,"auth":null,"email":null}}})");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].username, "");
  EXPECT_EQ(entries[1].username, "a");
}

TEST(KubeletKeyring, TheOldFormatIsTheEntriesAlone) {
  const auto entries = read_for_kubelet(R"({"x":{"username":"a","password":"b"}})", PullSecretFormat::dockercfg);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].key, "x");
}

TEST(KubeletKeyring, OneMalformedEntryIsTheEndOfAll) {
  for (const char* bad :
       {"", "[]", R"({"auths":[]})", R"({"auths":{"x":{"auth":"!!"}}})", R"({"auths":{"x":{"auth":"bm9jb2xvbg=="}}})",
        R"({"auths":{"x":{"username":1}}})", R"({"auths":{"x":{"email":1}}})", R"({"auths":{"x":[]}})"}) {
    try {
      read_for_kubelet(bad);
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unusable_login) << bad;
    }
  }
  EXPECT_THAT(read_for_kubelet("{}"), IsEmpty());
}

}  // namespace
}  // namespace regsync
