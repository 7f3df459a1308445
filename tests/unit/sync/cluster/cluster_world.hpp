// One context over the HTTP seam: an API server in memory, and what is wanted there.
#pragma once

#include <asio/io_context.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/base/base64.hpp"
#include "sync/cluster/cluster_options.hpp"
#include "sync/kube/config/resolved_context.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/places.hpp"
#include "tests/support/fake_kube.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync::test {

inline constexpr const char* owner_id = "id";

inline Owner owner_of_test() { return {owner_id, "id jdoe@laptop"}; }

inline kube::ResolvedContext context_of_test() {
  kube::ResolvedContext context;
  context.name = "c";
  context.server = "https://k.example";
  context.default_namespace = "default";
  return context;
}

// A target `t` with a Secret `cred` in the namespace `team`.
inline Target make_target(const std::string& name = "t", const std::string& secret = "cred",
                          std::vector<std::string> namespaces = {"team"}) {
  Target target;
  target.name = name;
  target.secret = secret;
  target.registries = {"ghcr.io"};
  target.contexts = {"c"};
  target.namespaces = std::move(namespaces);
  return target;
}

inline nlohmann::json foreign_secret(const std::string& type = "kubernetes.io/dockerconfigjson") {
  return {{"type", type}, {"data", {{".dockerconfigjson", "e30="}}}};
}

// What is wanted in the context: targets with one login for ghcr.io.
class Wanted {
 public:
  void login(const std::string& password) {
    logins_.asked = {RegistryKey("ghcr.io")};
    logins_.credentials[RegistryKey("ghcr.io")] =
        std::make_shared<const Credential>(Credential{{"ghcr.io", "jdoe"}, SecretString(password)});
    for (auto& [name, plan] : plans_) {
      plan = std::make_shared<const Plan>(make_plan(plan->target, logins_));
    }
  }
  void put(const Target& target) {
    known_.insert(target.name);
    places_.merge(places_of(target, "default"));
    plans_[target.name] = std::make_shared<const Plan>(make_plan(target, logins_));
  }
  // The target covers nothing here any more, and says so itself.
  void drop(const std::string& target) { plans_.erase(target); }
  // Nobody is logged in any more.
  void logout() {
    logins_.credentials.clear();
    for (auto& [name, plan] : plans_) {
      plan = std::make_shared<const Plan>(make_plan(plan->target, logins_));
    }
  }
  // It is pinned, and the context leads to another cluster than it did.
  void freeze(const std::string& target) {
    Plan plan = *plans_.at(target);
    plan.held = Error(ErrorCode::kubeconfig, "context c leads to another cluster than before");
    plan.frozen = true;
    plans_[target] = std::make_shared<const Plan>(std::move(plan));
  }
  // Its file is gone, and nobody said why.
  void lose(const std::string& target) {
    in_doubt_.merge(places_of(plans_.at(target)->target, "default"));
    plans_.erase(target);
    known_.erase(target);
  }
  // Their files may not be whole yet.
  void set_uncertain(std::set<std::string> targets) { uncertain_ = std::move(targets); }
  // Nothing is remembered of where it was.
  void forget_places() {
    places_ = {};
    for (const auto& [name, plan] : plans_) {
      places_.merge(places_of(plan->target, "default"));
    }
  }

  [[nodiscard]] std::shared_ptr<const DesiredState> state() const {
    return std::make_shared<const DesiredState>(DesiredState::Inputs{
        .plans = plans_,
        .deletion = {
            .known_targets = known_, .uncertain = {uncertain_.begin(), uncertain_.end()}, .in_doubt = in_doubt_}});
  }
  [[nodiscard]] std::shared_ptr<const Places> places() const { return std::make_shared<const Places>(places_); }
  [[nodiscard]] const Plan& plan(const std::string& target = "t") const { return *plans_.at(target); }

 private:
  KnownLogins logins_;
  DesiredState::Plans plans_;
  std::set<std::string> known_;
  std::set<std::string> uncertain_;
  Places places_;
  Places in_doubt_;
};

// The password of ghcr.io in a pull secret; empty where it is none.
inline std::string password_in(const nlohmann::json& secret) {
  const auto text = base64_decode(secret.value("/data/.dockerconfigjson"_json_pointer, ""));
  const auto config = nlohmann::json::parse(text.value_or(""), nullptr, false);
  return config.is_object() ? config.value("/auths/ghcr.io/password"_json_pointer, "") : "";
}

}  // namespace regsync::test
