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

}  // namespace
}  // namespace regsync
