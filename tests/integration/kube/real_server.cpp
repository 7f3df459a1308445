#include "tests/integration/kube/real_server.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sync/kube/config/kubeconfig.hpp"
#include "tests/support/listed.hpp"

namespace regsync::kube {

std::unique_ptr<test::KubeServer> RealServer::server_;

void RealServer::boot(const test::KubeServer::Options& options) {
  server_.reset();
  if (test::KubeServer::available()) {
    server_ = std::make_unique<test::KubeServer>(options);
  }
}

void RealServer::SetUp() {
  if (!server_) {
    SKIP_OR_FAIL("no kube-apiserver");
  }
  admin_ = Kubeconfig::load(server_->kubeconfig()).resolve("a");
  static int count = 0;
  name_space_ = "test-" + std::to_string(++count);
  kubectl({"create", "namespace", name_space_});
}

void RealServer::kubectl(std::vector<std::string> arguments, std::string in) {
  const test::Outcome outcome = server_->kubectl(std::move(arguments), std::move(in));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
}

ResolvedContext RealServer::nobody() const {
  ResolvedContext context = admin_.clone();
  context.client_certificate_data.clear();
  context.client_key_data = SecretString();
  return context;
}

ResolvedContext RealServer::with_token_of(const std::string& user) const {
  ResolvedContext context = nobody();
  context.token = SecretString(server_->token(user));
  return context;
}

std::string RealServer::name_of(KubeClient& client) {
  const ObjectPath secrets{"secrets", "kube-system", ""};
  const std::string message = test::error_of(loop_, test::list(client, secrets)).message();
  const auto at = message.find("User \"");
  return at == std::string::npos ? message : message.substr(at + 6, message.find('"', at + 6) - at - 6);
}

Known::Known(KubeClient& client, const std::string& name_space, int page_size)
    : watcher_(
          client, {.collection = {"secrets", name_space, ""}, .field_selector = "", .page_size = page_size},
          [this](const WatchEvent& event) { on_event(event); },
          [this](const std::optional<Error>& problem) { health.push_back(problem); }) {}

bool Known::told(ErrorCode code) const {
  return std::any_of(health.begin(), health.end(),
                     [code](const std::optional<Error>& problem) { return problem && problem->code() == code; });
}

void Known::on_event(const WatchEvent& event) {
  if (event.kind == WatchEvent::Kind::restarted) {
    ++restarts;
    synced = false;
    objects.clear();
  } else if (event.kind == WatchEvent::Kind::synced) {
    synced = true;
  } else {
    events += synced ? 1 : 0;
    const nlohmann::json& metadata = event.object->at("metadata");
    const auto name = metadata.at("name").get<std::string>();
    if (event.kind == WatchEvent::Kind::applied) {
      objects[name] = metadata.at("resourceVersion");
    } else {
      objects.erase(name);
    }
  }
}

}  // namespace regsync::kube
