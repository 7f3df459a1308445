// The programs as a person runs them, on real parts: gnome-keyring (tests/servers/with-keyring), docker,
// docker-registry, two API servers. Each Job has a HOME of its own; the keyring and the servers are shared by the tests
// of an executable.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/kube_server.hpp"
#include "tests/support/person.hpp"
#include "tests/support/registry.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {

// The API server of context "a" or "b".
KubeServer& kube(const std::string& context);

// Whether everything is there that these tests need; if not, what is missing.
std::optional<std::string> missing_part();

class Job : public Person {
 public:
  Job();

  // Starts a registry with one user, jdoe, or changes its password. Its address is registry().
  void set_registry_password(const std::string& password);
  [[nodiscard]] const std::string& registry() const { return registry_->address(); }
  void push(const std::string& image, const std::filesystem::path& layout) const { registry_->push(image, layout); }
  [[nodiscard]] Outcome docker_login(const std::string& password);
  [[nodiscard]] Outcome docker_logout() const;

  void use_both_clusters();  // unless the person has another kubeconfig
  [[nodiscard]] nlohmann::json status() const;
  // The causes in the status, by "context/namespace".
  [[nodiscard]] std::map<std::string, std::string> causes() const;

  // A namespace that no other test uses, made in both clusters.
  std::string make_namespace(const std::string& name);
  [[nodiscard]] std::optional<nlohmann::json> secret(const std::string& context, const std::string& name_space,
                                                     const std::string& name = "myregcred") const;
  // The content of a Secret; empty where there is none.
  [[nodiscard]] std::string content(const std::string& context, const std::string& name_space,
                                    const std::string& name = "myregcred") const;
  // Whether every one of these places ("a/team") holds a Secret with this password.
  [[nodiscard]] bool everywhere(const std::vector<std::string>& places, const std::string& password) const;

 private:
  std::optional<Registry> registry_;
};

// The API server's kubeconfig of this user, as a controller puts it into a Secret: with the certificate of its
// authority, not with a path to it.
nlohmann::json portable_kubeconfig(const KubeServer& server, const std::string& user);

// The Secret of a hub that describes the API server as this user, as a controller writes it.
nlohmann::json cluster_secret(const std::string& name_space, const std::string& name, const nlohmann::json& labels,
                              const KubeServer& server, const std::string& user);

// Docker's configuration with a login of jdoe, as --logins reads it.
std::string login_file(const std::string& registry, const std::string& password);

// What a pull Secret holds, decoded; empty where it holds nothing.
std::string pull_secret_content(const nlohmann::json& secret);

// The requests about Secrets at the API server so far, by verb and user: "list alice".
std::map<std::string, int> requests_about_secrets(const KubeServer& server);

// Random, so that finding it anywhere means that it got there.
std::string new_password();

}  // namespace regsync::test
