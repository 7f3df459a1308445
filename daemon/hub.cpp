#include "daemon/hub.hpp"

#include <utility>

namespace regsync {

Hub::Hub(asio::any_io_executor executor, Options options, std::function<kube::Kubeconfig()> kubeconfig,
         FleetMember::Handlers handlers)
    : executor_(std::move(executor)), options_(std::move(options)), kubeconfig_(std::move(kubeconfig)) {
  if (options_.keeps_state) {
    member_ = std::make_unique<FleetMember>(executor_, context(), options_.member, std::move(handlers));
  }
}

kube::ResolvedContext Hub::context() const {
  const kube::Kubeconfig kubeconfig = kubeconfig_();
  return kubeconfig.resolve(kubeconfig.current_context());
}

bool Hub::follow_clusters(ClusterSecrets::Handlers handlers) {
  if (clusters_ || !options_.clusters) {
    return false;
  }
  client_ = std::make_unique<kube::KubeClient>(executor_, context());
  clusters_ = std::make_unique<ClusterSecrets>(executor_, *client_, *options_.clusters, std::move(handlers));
  return true;
}

asio::awaitable<void> Hub::stop_clusters() {
  if (clusters_) {
    co_await clusters_->stop();
  }
}

asio::awaitable<void> Hub::stop_member() {
  if (member_) {
    co_await member_->stop();
  }
}

}  // namespace regsync
