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

TEST(Target, RegistriesAsPeopleWriteThemAreTaken) {
  for (const char* registry :
       {"ghcr.io", "ghcr.io/", "ghcr.io/acme", "https://ghcr.io", "https://index.docker.io/v1/", "docker.io",
        "localhost:5000", "registry:5000", "registry", "127.0.0.1:5000/team", "[::1]:5000", "localhost/team",
        "work@ghcr.io", "https://work@ghcr.io/acme", "work@localhost:5000", "robot.ci@docker.io"}) {
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
  EXPECT_EQ(remedy_for("https://hub.docker.com"), "the registry of Docker Hub is docker.io");
  EXPECT_EQ(remedy_for("https://hub.docker.com/r/acme/app"), "the registry of Docker Hub is docker.io");
  EXPECT_EQ(remedy_for("ghcr.io,quay.io"), "name each by itself: --registry A --registry B, or registries: [A, B]");
  for (const char* registry : {"", "https://", "*.io", "a b", "@ghcr.io", "me@", "me:secret@ghcr.io", "a b@ghcr.io",
                               "me@x@ghcr.io", "work@hub.docker.com", "ghcr.io:http"}) {
    EXPECT_NE(remedy_for(registry), "accepted") << registry;
  }
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
