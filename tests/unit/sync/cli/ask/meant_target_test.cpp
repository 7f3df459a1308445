#include "sync/cli/ask/meant_target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/sync/cli/contexts.hpp"

namespace regsync::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OwnNamespaces : public testing::Test {
 protected:
  OwnNamespaces() {
    target_.name = "web";
    target_.secret = "cred";
  }
  [[nodiscard]] std::set<std::string> in(std::vector<std::string> contexts) {
    target_.contexts = std::move(contexts);
    return own_namespaces(target_, kubeconfig_, footprints_);
  }

  Target target_;
  kube::Kubeconfig kubeconfig_ = kube::Kubeconfig::parse(test::kubeconfig_text({"dev", "prod"}), "a file");
  test::TempDir dir_;
  FootprintStore footprints_{dir_ / "footprints"};
};

TEST_F(OwnNamespaces, AreThoseOfTheContextsWhereTheTargetHasNotBeen) {
  EXPECT_THAT(in({"dev", "prod"}), ElementsAre("default"));
  EXPECT_THAT(in({"gone"}), IsEmpty());
}

TEST_F(OwnNamespaces, AreThoseWhereItWentFirstInContextsThatAreGoneToo) {
  Footprint footprint;
  for (const auto& [context, own] : {std::pair("dev", "before"), std::pair("gone", "elsewhere")}) {
    footprint.contexts[context].secrets["cred"].namespaces = {own};
    footprint.own_namespaces[context] = own;
  }
  footprints_.set("web", footprint);
  EXPECT_THAT(in({"dev"}), ElementsAre("before"));
  EXPECT_THAT(in({"dev", "gone"}), ElementsAre("before", "elsewhere"));
  EXPECT_THAT(in({"dev", "prod"}), ElementsAre("before", "default"));
}

}  // namespace
}  // namespace regsync::cli
