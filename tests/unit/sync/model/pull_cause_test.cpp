#include "sync/model/pull_cause.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sync/base/base64.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* config_json = "kubernetes.io/dockerconfigjson";

std::string entries(std::initializer_list<const char*> keys) {
  json auths = json::object();
  for (const char* key : keys) {
    auths[key] = {{"auth", base64_encode("jdoe:hunter2")}};
  }
  return auths.dump();
}

// A Secret as the API server has it.
PullSecret secret(const std::string& name, std::initializer_list<const char*> keys,
                  const std::string& type = config_json) {
  const bool old = type == "kubernetes.io/dockercfg";
  const std::string content = old ? entries(keys) : R"({"auths":)" + entries(keys) + "}";
  return read_pull_secret(
      name, {{"type", type}, {"data", {{old ? ".dockercfg" : ".dockerconfigjson", base64_encode(content)}}}});
}

PullSecret spoiled(const std::string& name) {
  return read_pull_secret(name, {{"type", config_json},
                                 {"data", {{".dockerconfigjson", base64_encode(R"({"auths":{"x":{"auth":"!"}}})")}}}});
}

PullSecret absent(const std::string& name, PullSecret::State state = PullSecret::State::missing) {
  return {name, state, {}, {}};
}

struct Case {
  const char* what;
  std::vector<PullSecret> secrets;          // that the pod names
  std::vector<PullSecret> account_secrets;  // that its ServiceAccount names now
  PullVerdict said;                         // by the registry to whoever is tried
  bool login_good;
  PullCause cause;
  const char* message;  // a part of it
  std::string image = "reg.example.com:5000/team/app:1";
  std::string reason = "ErrImagePull";
};

TEST(PullCause, FollowsKubeletsRulesAndTheRegistrysAnswer) {
  constexpr auto denied = PullVerdict::denied;
  constexpr auto away = PullVerdict::unreachable;
  constexpr auto none = PullVerdict::no_such_image;
  constexpr auto good = PullVerdict::can_pull;
  const std::vector<Case> cases = {
      {"no Secret anywhere", {}, {}, denied, false, PullCause::no_pull_secret, "has none either"},
      {"the account's Secret is of another registry",
       {},
       {secret("s", {"ghcr.io"})},
       denied,
       false,
       PullCause::no_pull_secret,
       "has none for reg.example.com:5000"},
      {"the account's Secret is missing",
       {},
       {absent("s")},
       denied,
       false,
       PullCause::no_pull_secret,
       "Secret s is not there"},
      {"the account gained a Secret later",
       {},
       {secret("s", {"reg.example.com:5000"})},
       denied,
       false,
       PullCause::older_than_account,
       "older than the entry s"},
      {"the same, and the registry cannot be reached",
       {},
       {secret("s", {"reg.example.com:5000"})},
       away,
       false,
       PullCause::older_than_account,
       "older"},
      {"a missing Secret", {absent("s")}, {}, denied, false, PullCause::secret_missing, "names Secret s, which is not"},
      {"a missing Secret, and the registry cannot be reached",
       {absent("s")},
       {},
       away,
       false,
       PullCause::secret_missing,
       "Secret s"},
      {"a missing Secret, but everybody may pull", {absent("s")}, {}, good, false, PullCause::pullable, "everybody"},
      {"a Secret nobody may read",
       {absent("s", PullSecret::State::unreadable)},
       {},
       denied,
       false,
       PullCause::secret_unreadable,
       "your rights"},
      {"a Secret nobody may read, whose login may be why an image for everybody is refused",
       {absent("s", PullSecret::State::unreadable)},
       {},
       good,
       false,
       PullCause::secret_unreadable,
       "Secret s cannot be read with your rights: everybody can pull this image, so a login in it may be refused"},
      {"the same beside a login that may pull",
       {absent("s", PullSecret::State::unreadable), secret("t", {"reg.example.com:5000"})},
       {},
       good,
       true,
       PullCause::pullable,
       "the login of jdoe in Secret t can pull"},
      {"a Secret of another type",
       {secret("s", {"reg.example.com:5000"}, "Opaque")},
       {},
       denied,
       false,
       PullCause::secret_wrong_type,
       "s (Opaque)"},
      {"the old type works",
       {secret("s", {"reg.example.com:5000"}, "kubernetes.io/dockercfg")},
       {},
       denied,
       true,
       PullCause::image_denied,
       "may not pull"},
      {"a malformed Secret beside a good one",
       {secret("a", {"reg.example.com:5000"}), spoiled("b")},
       {},
       good,
       true,
       PullCause::secret_malformed,
       "Secret b is malformed"},
      {"another port",
       {secret("s", {"reg.example.com:5001"})},
       {},
       denied,
       false,
       PullCause::no_matching_entry,
       "is for port 5001"},
      {"no port", {secret("s", {"reg.example.com"})}, {}, denied, false, PullCause::no_matching_entry, "names no port"},
      {"another path",
       {secret("s", {"reg.example.com:5000/other"})},
       {},
       away,
       false,
       PullCause::no_matching_entry,
       "is for the path /other"},
      {"/v2 without a slash is a path",
       {secret("s", {"https://reg.example.com:5000/v2"})},
       {},
       denied,
       false,
       PullCause::no_matching_entry,
       "is for the path /v2"},
      {"other letters",
       {secret("s", {"Reg.example.com:5000"})},
       {},
       denied,
       false,
       PullCause::no_matching_entry,
       "other letters"},
      {"another number of labels",
       {secret("s", {"*.com:5000"})},
       {},
       denied,
       false,
       PullCause::no_matching_entry,
       "another number of labels"},
      {"Docker Hub by another of its names",
       {secret("s", {"registry-1.docker.io"})},
       {},
       denied,
       false,
       PullCause::no_matching_entry,
       "https://index.docker.io/v1/",
       "acme/app"},
      {"an image by another name of Docker Hub",
       {secret("s", {"https://index.docker.io/v1/"})},
       {},
       denied,
       false,
       PullCause::no_matching_entry,
       "is of Docker Hub, which kubelet knows as docker.io alone, and not as registry-1.docker.io",
       "registry-1.docker.io/acme/app"},
      {"another registry",
       {secret("s", {"ghcr.io"})},
       {},
       denied,
       false,
       PullCause::no_matching_entry,
       "they are for ghcr.io (Secret s)"},
      {"another registry, and this one cannot be reached",
       {secret("s", {"ghcr.io"})},
       {},
       away,
       false,
       PullCause::registry_unreachable,
       "cannot be reached from here"},
      {"an empty Secret", {secret("s", {})}, {}, denied, false, PullCause::no_matching_entry, "they have no entries"},
      {"a denied login",
       {secret("s", {"reg.example.com:5000"})},
       {},
       denied,
       false,
       PullCause::login_denied,
       "refuses the login of jdoe in Secret s: said"},
      {"a denied login beside a missing Secret",
       {secret("s", {"reg.example.com:5000"}), absent("t")},
       {},
       denied,
       false,
       PullCause::login_denied,
       "Secret t is not there"},
      {"a login without the right",
       {secret("s", {"reg.example.com:5000"})},
       {},
       denied,
       true,
       PullCause::image_denied,
       "takes the login of jdoe in Secret s, which may not pull reg.example.com:5000/team/app:1"},
      {"no such tag",
       {secret("s", {"reg.example.com:5000"})},
       {},
       none,
       true,
       PullCause::no_such_image,
       "no reg.example.com:5000/team/app:1"},
      {"a digest",
       {},
       {},
       none,
       false,
       PullCause::no_such_image,
       "app@sha256:ab",
       "reg.example.com:5000/team/app@sha256:ab"},
      {"unreachable",
       {secret("s", {"reg.example.com:5000"})},
       {},
       away,
       false,
       PullCause::registry_unreachable,
       "a node's network may differ"},
      {"all is well now",
       {secret("s", {"reg.example.com:5000"})},
       {},
       good,
       true,
       PullCause::pullable,
       "the login of jdoe in Secret s can pull"},
      {"Never",
       {secret("s", {"reg.example.com:5000"})},
       {},
       good,
       true,
       PullCause::never_pulled,
       "Never",
       "reg.example.com:5000/team/app:1",
       "ErrImageNeverPull"},
      {"what only the node knows",
       {secret("s", {"reg.example.com:5000"})},
       {},
       good,
       true,
       PullCause::other,
       "the node says: node",
       "reg.example.com:5000/team/app:1",
       "ImageInspectError"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Pod pod;
    pod.name_space = "team-a";
    pod.name = "app";
    pod.service_account = "default";
    for (const PullSecret& each : c.secrets) {
      pod.pull_secrets.push_back(each.name);
    }
    const PullFailure failure{"app", c.image, c.reason, "node"};
    const Image image = parse_image(c.image);
    const PullLookup lookup = look_up(c.secrets, image);
    const std::vector<PullTrial> trials(std::max<std::size_t>(1, lookup.offered.size()),
                                        {c.login_good, {c.said, "said", ""}});
    const PullFinding finding = conclude(pod, failure, image, lookup, c.account_secrets, trials);
    EXPECT_EQ(to_string(finding.cause), to_string(c.cause)) << finding.message;
    EXPECT_THAT(finding.message, HasSubstr(c.message));
    EXPECT_EQ(finding.message.find("hunter2"), std::string::npos);
  }
}

TEST(PullCause, OfSeveralLoginsTheBestAnswerCounts) {
  const std::vector<PullSecret> secrets{secret("a", {"reg.example.com"}), secret("b", {"reg.example.com/team"})};
  const Image image = parse_image("reg.example.com/team/app");
  const PullLookup lookup = look_up(secrets, image);
  ASSERT_EQ(lookup.offered.size(), 2U);
  EXPECT_EQ(lookup.offered[0]->secret, "b") << "the longer path first";
  Pod pod;
  pod.pull_secrets = {"a", "b"};
  const auto cause_of = [&](PullTrial first, PullTrial second) {
    return conclude(pod, {}, image, lookup, {}, {std::move(first), std::move(second)}).cause;
  };
  const PullTrial refused{false, {PullVerdict::denied, "", ""}};
  const PullTrial not_allowed{true, {PullVerdict::denied, "", ""}};
  const PullTrial pulls{true, {PullVerdict::can_pull, "", ""}};
  const PullTrial missing{true, {PullVerdict::no_such_image, "", ""}};
  EXPECT_EQ(cause_of(refused, pulls), PullCause::pullable);
  EXPECT_EQ(cause_of(refused, missing), PullCause::no_such_image);
  EXPECT_EQ(cause_of(refused, not_allowed), PullCause::image_denied);
  EXPECT_EQ(cause_of(refused, refused), PullCause::login_denied);
}

}  // namespace
}  // namespace regsync
