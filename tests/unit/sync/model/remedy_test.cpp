#include "sync/model/remedy.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

std::string remedy(const std::string& text, ErrorCode code = ErrorCode::namespace_missing) {
  return for_context({code, "m", text}, "web", "prod eu").remedy();
}

TEST(Remedy, NamesTheContextInEachCommandOfKubectl) {
  EXPECT_EQ(
      remedy("create it: kubectl create namespace x; or kubectl -n x get secrets"),
      "create it: kubectl --context 'prod eu' create namespace x; or kubectl --context 'prod eu' -n x get secrets");
  for (const char* text :
       {"kubectl --context dev version", "kubectl config get-contexts", "kubectl regsync sync", "wait", ""}) {
    EXPECT_EQ(remedy(text), text);
  }
}

TEST(Remedy, AMissingRightIsGrantedAndThenTriedAgain) {
  EXPECT_EQ(remedy("ask an administrator", ErrorCode::forbidden),
            "have an administrator run: regsync rbac web --context 'prod eu' | kubectl --context 'prod eu' apply -f -; "
            "then: regsync sync web");
}

// The clusters of a fleet are Secrets, and in nobody's kubeconfig under these names.
TEST(Remedy, OfAClusterThatIsNotInTheKubeconfigNoCommandNamesItsContext) {
  const auto in_fleet = [](const std::string& text, ErrorCode code) {
    return for_context({code, "m", text}, "web", "prod/web", /*in_kubeconfig=*/false).remedy();
  };
  EXPECT_EQ(in_fleet("create it: kubectl create namespace x", ErrorCode::namespace_missing),
            "create it: kubectl create namespace x, with a kubeconfig of cluster prod/web");
  EXPECT_EQ(in_fleet("grant it: `regsync rbac` says what, for kubectl apply", ErrorCode::forbidden),
            "grant it: `regsync rbac` says what, for kubectl apply, with a kubeconfig of cluster prod/web");
  EXPECT_EQ(in_fleet("wait", ErrorCode::unreachable), "wait");
}

}  // namespace
}  // namespace regsync
