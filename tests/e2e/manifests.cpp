#include "tests/e2e/manifests.hpp"

#include <gtest/gtest.h>

namespace regsync::test {

using nlohmann::json;
using nlohmann::literals::operator""_json_pointer;

namespace {

// The first version that serves policy/v1.
constexpr int first_with_budgets = 21;

}  // namespace

KubeServer& hub() {
  static KubeServer server(KubeServer::Options{
      .contexts = "hub",
      .flags = {"--runtime-config=apps/v1=true,networking.k8s.io/v1=true,coordination.k8s.io/v1=true"}});
  return server;
}

int hub_version() {
  static const int minor = [] {
    const json version = json::parse(hub().kubectl({"version", "-o", "json"}).out);
    return std::stoi(version.at("/serverVersion/minor"_json_pointer).get<std::string>());
  }();
  return minor;
}

std::string rendered(const std::string& overlay) {
  const auto outcome = hub().kubectl({"kustomize", REGSYNC_SOURCE_DIR "/systemd/kubernetes/" + overlay});
  EXPECT_EQ(outcome.exit_code, 0) << overlay << ": " << outcome.err;
  std::string manifests = outcome.out;
  const std::string separator = "\n---\n";
  const auto at = manifests.find("apiVersion: policy/v1\n");
  if (at != std::string::npos && hub_version() < first_with_budgets) {
    const auto end = manifests.find(separator, at);
    manifests.erase(at, end == std::string::npos ? end : end + separator.size() - at);
  }
  return manifests;
}

json object_of(const std::string& overlay, const std::string& kind) {
  const auto outcome = hub().kubectl({"apply", "--dry-run=client", "-o", "json", "-f", "-"}, rendered(overlay));
  const json list = json::parse(outcome.out);
  for (const auto& item : list.at("items")) {
    if (item.at("kind") == kind) {
      return item;
    }
  }
  ADD_FAILURE() << "no " << kind << " in " << overlay;
  return {};
}

}  // namespace regsync::test
