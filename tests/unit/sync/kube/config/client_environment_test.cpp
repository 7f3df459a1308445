#include "sync/kube/config/client_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace regsync::kube {
namespace {

using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

TEST(AbsoluteValue, PathsMeanTheSameInAnyWorkingDirectory) {
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(absolute_value("KUBECONFIG", "a:/b::./c"), here + "/a:/b:" + here + "/c");
  EXPECT_EQ(absolute_value("PATH", "bin:/usr/bin"), here + "/bin:/usr/bin");
  EXPECT_EQ(absolute_value("SSL_CERT_FILE", "ca.crt"), here + "/ca.crt");
  EXPECT_EQ(absolute_value("AWS_PROFILE", "dev:1"), "dev:1") << "which is no path";
}

TEST(ClientEnvironment, TellsWhatIsSetWithoutSecrets) {
  ::setenv("KUBECONFIG", "a", 1);
  ::setenv("HTTPS_PROXY", "http://user:hunter2@proxy.corp:3128/", 1);
  ::setenv("NO_PROXY", ".corp", 1);
  ::setenv("DOCKER_CONFIG", "docker", 1);
  ::unsetenv("https_proxy");
  const auto told = client_environment();
  EXPECT_THAT(told, Contains(Pair("KUBECONFIG", std::filesystem::current_path().string() + "/a")));
  EXPECT_THAT(told, Contains(Pair("HTTPS_PROXY", "http://proxy.corp:3128")));
  EXPECT_THAT(told, Contains(Pair("NO_PROXY", ".corp")));
  EXPECT_THAT(told, Contains(Pair("DOCKER_CONFIG", std::filesystem::current_path().string() + "/docker")));
  EXPECT_THAT(told, Not(Contains(Key("https_proxy"))));
}

}  // namespace
}  // namespace regsync::kube
