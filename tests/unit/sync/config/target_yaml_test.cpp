#include "sync/config/target_yaml.hpp"

#include <gtest/gtest.h>

#include "helper/base/error.hpp"
#include "sync/model/target.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view full = R"(
secret: myregcred
registries: [ghcr.io, https://index.docker.io/v1/]
contexts: [dev, "prod-*"]
namespaces: [default, "team-*"]
namespaceSelector: env in (prod)
contextSelector: tier=edge
excludeNamespaces: ["kube-*"]
serviceAccounts: [default]
email: jdoe@example.com
onLogout: remove
refresh: {ghcr.io: 6h}
)";

Error refusal(std::string_view yaml) {
  try {
    parse_target("t", yaml, "t.yaml");
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "was taken: " << yaml;
  return {ErrorCode::internal, ""};
}

TEST(Target, ReadsEveryKey) {
  const Target target = parse_target("t", full, "t.yaml");
  EXPECT_EQ(target.name, "t");
  EXPECT_EQ(target.secret, "myregcred");
  EXPECT_EQ(target.registries, (std::vector<std::string>{"ghcr.io", "https://index.docker.io/v1/"}));
  EXPECT_EQ(target.contexts, (std::vector<std::string>{"dev", "prod-*"}));
  EXPECT_EQ(target.namespaces, (std::vector<std::string>{"default", "team-*"}));
  EXPECT_EQ(target.namespace_selector.text(), "env in (prod)");
  EXPECT_EQ(target.context_selector.text(), "tier=edge");
  EXPECT_EQ(target.exclude_namespaces, std::vector<std::string>{"kube-*"});
  EXPECT_EQ(target.service_accounts, std::vector<std::string>{"default"});
  EXPECT_EQ(target.email, "jdoe@example.com");
  EXPECT_EQ(target.on_logout, OnLogout::remove);
  EXPECT_EQ(target.refresh.at("ghcr.io"), 6h);
}

TEST(Target, SurvivesBeingWrittenAndReadAgain) {
  const Target target = parse_target("t", full, "t.yaml");
  EXPECT_EQ(parse_target("t", to_yaml(target), "t.yaml"), target);
}

TEST(Target, TakesItsNameForTheSecretAndOneValueForAList) {
  const Target target = parse_target("myregcred", "registries: ghcr.io\ncontexts: dev\n", "x");
  EXPECT_EQ(target.secret, "myregcred");
  EXPECT_EQ(target.registries, std::vector<std::string>{"ghcr.io"});
  EXPECT_EQ(target.on_logout, OnLogout::keep);
}

TEST(Target, NamesFileLineAndColumnOfAFault) {
  const Error error = refusal("registries: [ghcr.io]\ncontexts: [dev]\nnamespace: [default]\n");
  EXPECT_EQ(error.code(), ErrorCode::invalid_input);
  EXPECT_NE(error.message().find("t.yaml:3:1"), std::string::npos) << error.message();
  EXPECT_NE(error.remedy().find("namespaces"), std::string::npos) << error.remedy();
  EXPECT_NE(refusal("registries: [ghcr.io\ncontexts: x").message().find("t.yaml:"), std::string::npos);
}

TEST(Target, NamesThePlaceOfAFaultOnce) {
  const std::string message = refusal("registries: [ghcr.io]\ncontexts: [dev]\nnamespaceSelector: [env]\n").message();
  EXPECT_EQ(message, "t.yaml:3:20: namespaceSelector must be one value");
}

TEST(Target, BlamesATabOnlyWhereItIsTheFault) {
  const auto fault = [](const char* yaml) {
    try {
      parse_target("t", yaml, "t.yaml");
      return std::string("none");
    } catch (const Error& error) {
      return error.message();
    }
  };
  EXPECT_EQ(fault("registries:\n\t- ghcr.io\n").rfind("t.yaml:2: a tab", 0), 0U) << fault("registries:\n\t- ghcr.io\n");
  const auto* const legal_tab = "registries: [\n\tghcr.io]\nb\nc: 1\n";
  EXPECT_EQ(fault(legal_tab).find("a tab"), std::string::npos) << fault(legal_tab);
}

TEST(Target, RefusesWhatCannotBeMeant) {
  for (const std::string_view yaml : {
           "",                                                                     // empty
           "- a",                                                                  // no mapping
           "registries: [ghcr.io]",                                                // no context
           "contexts: [dev]",                                                      // no registry
           "registries: []\ncontexts: [dev]",                                      //
           "registries: [ghcr.io]\ncontexts: [dev]\nsecret: Not_Valid",            //
           "registries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [Team A]",         //
           "registries: [\"*.io\"]\ncontexts: [dev]",                              // a glob of registries
           "registries: [ghcr.io]\ncontexts: [dev]\nonLogout: maybe",              //
           "registries: [ghcr.io]\ncontexts: [dev]\nnamespaceSelector: \"a in\"",  //
           "registries: [ghcr.io]\ncontexts: [dev]\nrefresh: {ghcr.io: soon}",     //
           "registries: [ghcr.io]\ncontexts: [dev]\ncontexts: [prod]",             // twice
           "registries: {a: b}\ncontexts: [dev]",                                  //
           "registries: [ghcr.io]\ncontexts: [dev]\n---\nregistries: [quay.io]\ncontexts: [dev]\n",
       }) {
    const Error error = refusal(yaml);
    EXPECT_EQ(error.code(), ErrorCode::invalid_input) << yaml;
    EXPECT_FALSE(error.remedy().empty()) << error.message();
    EXPECT_NE(error.message().find("t.yaml"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace regsync
