#include "sync/cli/ask/failing_pods.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;
using test::ApiRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FailingPods : public testing::Test {
 protected:
  FailingPods() {
    for (const char* name_space : {"a", "b"}) {
      kube_.make_namespace(name_space);
      make_pod(name_space, "one", "s1");
      make_pod(name_space, "two", "s2");
    }
  }

  void make_pod(const std::string& name_space, const std::string& name, const std::string& secret) {
    kube_.put(
        {"pods", name_space, name},
        {{"metadata", {{"name", name}, {"namespace", name_space}}},
         {"spec",
          {{"imagePullSecrets", {{{"name", secret}}}}, {"containers", {{{"name", "main"}, {"image", "ghcr.io/a"}}}}}},
         {"status",
          {{"containerStatuses", {{{"name", "main"}, {"state", {{"waiting", {{"reason", "ImagePullBackOff"}}}}}}}}}}});
  }

  // The pods that are found.
  std::vector<std::string> read() {
    PodQuery query;
    query.namespaces = {"a", "b"};
    std::vector<std::string> names;
    const auto cases =
        test::run(loop_, read_pods(client_, query, [this](const Error& error) { unread_.push_back(error.message()); }));
    for (const PodCase& found : cases) {
      names.push_back(found.pod.name_space + "/" + found.pod.name);
    }
    return names;
  }

  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  kube::KubeClient client_{test::context_of_test(), kube_.transport.connect()};
  std::vector<std::string> unread_;
};

TEST_F(FailingPods, AreThoseOfAllNamespaces) {
  EXPECT_THAT(read(), ElementsAre("a/one", "a/two", "b/one", "b/two"));
  EXPECT_THAT(unread_, IsEmpty());
}

TEST_F(FailingPods, ANamespaceThatMayNotBeReadHidesNoOther) {
  kube_.forbids = [](const ApiRequest& request) {
    return request.key.resource == "pods" && request.key.name_space == "a";
  };
  EXPECT_THAT(read(), ElementsAre("b/one", "b/two"));
  EXPECT_THAT(unread_, ElementsAre(HasSubstr("namespace a: ")));
}

TEST_F(FailingPods, APodWhoseSecretTheServerCannotReadHidesNoOther) {
  kube_.transport.answer("GET", "/api/v1/namespaces/a/secrets/s1", 500, {{"message", "cannot decrypt"}});
  EXPECT_THAT(read(), ElementsAre("a/two", "b/one", "b/two"));
  EXPECT_THAT(unread_, ElementsAre(HasSubstr("pod a/one: ")));
}

TEST_F(FailingPods, AServerThatIsAwayIsToldOnce) {
  kube_.transport.on("GET", "/api/v1/namespaces/a/pods", [](const kube::HttpRequest&) -> kube::HttpResponse {
    throw Error(ErrorCode::unreachable, "no route");
  });
  EXPECT_THROW(read(), Error);
  EXPECT_THAT(unread_, IsEmpty());
}

}  // namespace
}  // namespace regsync::cli
