// A person with a keyring, a login for ghcr.io and one context `dev` of an API server in memory with namespace team-a.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/fake_api_server.hpp"
#include "tests/support/person.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {

class DaemonFixture : public testing::Test {
 protected:
  DaemonFixture() {
    server_.make_namespace("team-a");
    const nlohmann::json config = {{"apiVersion", "v1"},
                                   {"kind", "Config"},
                                   {"current-context", "dev"},
                                   {"clusters", {{{"name", "dev"}, {"cluster", {{"server", server_.url()}}}}}},
                                   {"contexts", {{{"name", "dev"}, {"context", {{"cluster", "dev"}, {"user", "me"}}}}}},
                                   {"users", {{{"name", "me"}, {"user", nlohmann::json::object()}}}}};
    person_.env["KUBECONFIG"] = person_.home().write("kubeconfig", config.dump()).string();
    person_.store_login("ghcr.io", "me", "s3cret");
  }

  void write_target(const std::string& name, const std::string& more = "") const {
    person_.home().write(".config/regsync/targets/" + name + ".yaml",
                         "registries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [team-a]\n" + more);
  }

  [[nodiscard]] nlohmann::json status() const {
    return nlohmann::json::parse(person_.regsync({"status", "-o", "json"}).out, nullptr, false);
  }

  testing::AssertionResult in_sync(const std::string& target) const {
    const bool holds = wait_until([&] {
      const nlohmann::json report = status();
      const nlohmann::json rows = report.value("items", nlohmann::json::array());
      for (const auto& row : rows) {
        if (row["target"] == target && row["state"] == "InSync") {
          return true;
        }
      }
      return false;
    });
    return holds ? testing::AssertionSuccess() : testing::AssertionFailure() << status().dump(2);
  }

  FakeApiServer server_;
  Person person_;
};

}  // namespace regsync::test
