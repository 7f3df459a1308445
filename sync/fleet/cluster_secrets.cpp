#include "sync/fleet/cluster_secrets.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/fleet/hub_right.hpp"
#include "sync/model/names.hpp"

namespace regsync {

namespace {

using namespace std::chrono_literals;

// Cluster Secrets that change together (a controller renews all tokens) are passed on as one change.
constexpr auto telling_delay = 20ms;

std::string describe_source(const kube::ResolvedContext& hub, const ClusterSecretsScope& scope) {
  return "the Secrets of " + hub.server + " labelled " + scope.selector +
         (scope.name_space.empty() ? "" : " in namespace " + scope.name_space);
}

}  // namespace

ClusterSecrets::ClusterSecrets(asio::any_io_executor executor, kube::KubeClient& hub, const ClusterSecretsScope& scope,
                               Handlers handlers)
    : executor_(std::move(executor)),
      handlers_(std::move(handlers)),
      source_(describe_source(hub.context(), scope)),
      name_space_(scope.name_space),
      telling_(executor_, telling_delay, "clusters of the fleet", [this] { tell(); }),
      watch_(
          executor_, hub,
          {.collection = {.resource = "secrets", .name_space = scope.name_space}, .label_selector = scope.selector},
          [this](const kube::WatchEvent& event) { on_event(event); },
          [this](const std::optional<Error>& problem) { on_health(problem); }) {
  watch_.start();
}

ClusterSecrets::~ClusterSecrets() = default;

void ClusterSecrets::on_event(const kube::WatchEvent& event) {
  using Kind = kube::WatchEvent::Kind;
  if (event.kind == Kind::restarted) {
    listing_.emplace();
    return;
  }
  if (event.kind == Kind::synced) {
    if (listing_) {
      clusters_ = std::move(*listing_);
      listing_.reset();
    }
    synced_ = true;
    tell();
    return;
  }
  if (!is_label_name(text_at(*event.object, {"metadata", "namespace"})) ||
      !is_object_name(text_at(*event.object, {"metadata", "name"}))) {
    return;
  }
  Clusters& clusters = listing_ ? *listing_ : clusters_;
  const std::string name = kube::context_name_of(*event.object);
  auto cluster = event.kind == Kind::applied ? kube::decode_cluster_secret(*event.object) : std::nullopt;
  bool is_news = true;  // false if only an annotation changed
  if (!cluster) {
    is_news = clusters.erase(name) > 0;
  } else {
    if (name_space_.empty() && cluster->context && cluster->context->exec) {
      cluster->problem =
          Error(ErrorCode::kubeconfig,
                "Secret " + name +
                    ": its exec plugin is not run, because Secrets of all namespaces are taken, and "
                    "whoever may write one would choose what regsyncd runs",
                "name the namespace of the clusters' Secrets: --clusters-namespace; or put a token in it");
      cluster->context.reset();
    }
    const auto known = clusters_.find(name);
    is_news = known == clusters_.end() || *known->second != *cluster;
    if (is_news && cluster->problem) {
      log::warning(describe(*cluster->problem));
    }
    clusters[name] = is_news ? std::make_shared<const kube::KnownCluster>(std::move(*cluster)) : known->second;
  }
  if (is_news && !listing_) {
    telling_.ask();
  }
}

void ClusterSecrets::on_health(const std::optional<Error>& problem) {
  if (problem == problem_) {
    return;
  }
  problem_ = problem;
  if (problem) {
    handlers_.on_problem(with_hub_right(problem->within(source_), "list and watch secrets", name_space_));
  } else if (synced_ && !listing_) {
    tell();  // clears the problem
  }
}

void ClusterSecrets::tell() { handlers_.on_clusters(kube::Kubeconfig::of(clusters_, source_)); }

asio::awaitable<void> ClusterSecrets::stop() {
  telling_.cancel();
  return watch_.stop();
}

}  // namespace regsync
