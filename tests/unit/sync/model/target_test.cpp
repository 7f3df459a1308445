#include "sync/model/target.hpp"

#include <gtest/gtest.h>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

Target with(const std::string& registry) {
  Target target;
  target.name = target.secret = "web";
  target.registries = {registry};
  target.contexts = {"dev"};
  return target;
}

std::string remedy_for(const std::string& registry) {
  try {
    validate(with(registry));
  } catch (const Error& error) {
    return error.remedy();
  }
  return "accepted";
}

TEST(RequireRegistry, AValueWithoutEndIsNotRepeatedWhole) {
  for (const std::string& registry : {std::string(30'000, 'x'), "ghcr.io/" + std::string(30'000, 'X'),
                                      "a.example," + std::string(30'000, 'x'), "me:pw@" + std::string(30'000, 'x')}) {
    try {
      require_registry(registry);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_LT(error.message().size() + error.remedy().size(), 1000U);
    }
  }
}

TEST(RequireRegistry, APasswordIsNotRepeated) {
  try {
    require_registry("https://me:secret@ghcr.io/acme:1");
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ((error.message() + error.remedy()).find("secret"), std::string::npos);
  }
}

TEST(Target, RegistriesAsPeopleWriteThemAreTaken) {
  for (const char* registry :
       {"ghcr.io", "ghcr.io/", "ghcr.io/acme", "https://ghcr.io", "https://index.docker.io/v1/", "docker.io",
        "localhost:5000", "registry:5000", "127.0.0.1:5000/team", "[::1]:5000", "localhost/team", "work@ghcr.io",
        "https://work@ghcr.io/acme", "work@localhost:5000", "robot.ci@docker.io"}) {
    EXPECT_EQ(remedy_for(registry), "accepted") << registry;
  }
}

TEST(Target, APastedImageIsRefusedWithTheRegistryThatIsMeant) {
  const std::string of = "write the registry that it is pulled from: ";
  EXPECT_EQ(remedy_for("ghcr.io/acme/app:1"), of + "ghcr.io");
  EXPECT_EQ(remedy_for("host:5000/app:1"), of + "host:5000");
  EXPECT_EQ(remedy_for("ghcr.io/acme/app@sha256:0123"), of + "ghcr.io");
  EXPECT_EQ(remedy_for("nginx:latest"), of + "docker.io");
  EXPECT_EQ(remedy_for("acme/app"), of + "docker.io");
  EXPECT_EQ(remedy_for("acme/app:1"), of + "docker.io");
}

TEST(Target, WhatIsNoRegistryIsRefused) {
  EXPECT_EQ(remedy_for("https://hub.docker.com"), "its registry is docker.io");
  EXPECT_EQ(remedy_for("https://hub.docker.com/r/acme/app"), "its registry is docker.io");
  EXPECT_EQ(remedy_for("ghcr.io,quay.io"), "name each by itself: --registry A --registry B, or registries: [A, B]");
  EXPECT_EQ(remedy_for("https://github.com/orgs/acme/packages"), "its registry is ghcr.io");
  EXPECT_EQ(remedy_for("https://quay.io/repository/acme/app"), "its registry is quay.io");
  EXPECT_EQ(remedy_for("https://eu-west-1.console.aws.amazon.com/ecr"),
            "its registry is ACCOUNT.dkr.ecr.REGION.amazonaws.com");
  EXPECT_EQ(remedy_for("ghcr.io/Acme"), "names of images are in lower case: ghcr.io/acme");
  EXPECT_EQ(remedy_for("ghcr.io."), "write it without: ghcr.io");
  EXPECT_EQ(remedy_for("ghcr.io.:5000/acme"), "write it without: ghcr.io:5000/acme");
  EXPECT_EQ(remedy_for("ghcr"), "write host or host:port, as ghcr.io; Docker Hub is docker.io");
  EXPECT_EQ(remedy_for("me:secret@ghcr.io"), "log in first, then name the registry alone: docker login ghcr.io");
  for (const char* registry : {"", "https://", "ghcr.io//acme", "*.io", "a b", "@ghcr.io", "me@", "me:secret@ghcr.io",
                               "a b@ghcr.io", "me@x@ghcr.io", "work@hub.docker.com", "ghcr.io:http"}) {
    EXPECT_NE(remedy_for(registry), "accepted") << registry;
  }
}

// distribution/reference: what cannot be in an image's name is in none.
TEST(Target, ARegistryThatCannotBeInAnImagesNameIsRefused) {
  for (const char* registry : {"-ghcr.io", "ghcr..io", "ghcr-.io", "my_registry.example", ".io", "ghcr.io/-acme",
                               "ghcr.io/acme-", "ghcr.io/a..b", "ghcr.io/a___b", "ghcr.io/_acme", "ghcr.io/a.-b"}) {
    EXPECT_NE(remedy_for(registry), "accepted") << registry;
  }
  for (const char* registry : {"ghcr.io/a.b/c_d/e__f/g--h", "gh-cr.io", "xn--mnchen-3ya.de", "10.0.0.1:5000",
                               "[fe80::1]:5000/acme", "localhost/acme", "ghcr.io/", "https://ghcr.io/v2/"}) {
    EXPECT_EQ(remedy_for(registry), "accepted") << registry;
  }
  EXPECT_EQ(remedy_for("::1"), "write it in brackets: [::1]");
  EXPECT_EQ(remedy_for("/ghcr.io"), "write host or host:port, as you do for `docker login`");
}

TEST(Target, ASchemeThatNoRegistrySpeaksIsRefused) {
  EXPECT_EQ(remedy_for("ftp://ghcr.io"), "write it without ftp://: ghcr.io");
  EXPECT_EQ(remedy_for("docker://work@ghcr.io"), "write it without docker://: work@ghcr.io");
  EXPECT_EQ(remedy_for("oci://ghcr.io/charts"), "write it without oci://: ghcr.io/charts");
  try {
    require_registry("oci://ghcr.io/charts");
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "\"oci://ghcr.io/charts\" is how helm names a chart, not a registry");
  }
  EXPECT_EQ(remedy_for("docker://ghcr.io/acme/app:1"), "write it without docker://: ghcr.io/acme/app");
  EXPECT_EQ(remedy_for("HTTPS://ghcr.io"), "accepted");
}

TEST(Target, WithAndWithoutThePort443AreTwoEntries) {
  Target target = with("ghcr.io");
  target.registries = {"ghcr.io", "work@ghcr.io:443"};
  EXPECT_NO_THROW(validate(target));
}

TEST(Target, TwoLoginsForOneEntryOfTheSecretAreRefused) {
  const auto fault = [](std::vector<std::string> registries) {
    Target target = with("ghcr.io");
    target.registries = std::move(registries);
    try {
      validate(target);
      return std::string();
    } catch (const Error& error) {
      return error.message();
    }
  };
  EXPECT_EQ(fault({"ghcr.io", "work@ghcr.io"}),
            "target web: \"ghcr.io\" and \"work@ghcr.io\" would both be the entry ghcr.io");
  EXPECT_NE(fault({"work@docker.io", "home@https://index.docker.io/v1/"}), "");
  EXPECT_EQ(fault({"ghcr.io", "https://ghcr.io"}), "") << "one login, written twice";
  EXPECT_EQ(fault({"ghcr.io/acme", "work@ghcr.io/other", "home@ghcr.io"}), "");
}

TEST(Target, AGlobThatNoNameMatchesIsRefused) {
  const auto accepts = [](const std::string& name_space, const std::string& account) {
    Target target = with("ghcr.io");
    target.namespaces = {name_space};
    target.service_accounts = {account};
    try {
      validate(target);
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_input);
      return false;
    }
  };
  for (const char* glob : {"*", "team-*", "?", "team-[ab]", "team-[!a-c]*", "[a-c]*", "team-[]a]"}) {
    EXPECT_TRUE(accepts(glob, glob)) << glob;
  }
  for (const char* glob : {"team-[", "team-[]", "team-[a", "Team-*", "team_*", "team *", "team-*\\", "[a]-[", "*,b"}) {
    EXPECT_FALSE(accepts(glob, "default")) << glob;
    EXPECT_FALSE(accepts("default", glob)) << glob;
  }
}

TEST(Target, SelectsAContextByItsWholeNameWhateverIsInIt) {
  Target target;
  for (const char* context : {R"(default/api:6443/CORP\jane)", "dev[1]", "[", "a*b"}) {
    target.contexts = {context};
    EXPECT_TRUE(selects_context(target, context)) << context;
  }
}

TEST(Target, SelectsContextsByNameOrByLabels) {
  Target target;
  target.contexts = {"dev", "prod-*"};
  EXPECT_TRUE(selects_context(target, "prod-1"));
  EXPECT_FALSE(selects_context(target, "stage", {{"env", "prod"}})) << "no selector selects nothing";
  target.context_selector = LabelSelector::parse("env=prod");
  EXPECT_TRUE(selects_context(target, "stage", {{"env", "prod"}}));
  EXPECT_FALSE(selects_context(target, "stage", {{"env", "stage"}}));
  EXPECT_TRUE(selects_context(target, "dev"));
}

}  // namespace
}  // namespace regsync
