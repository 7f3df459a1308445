#include "daemon/hub.hpp"

#include <utility>

#include "helper/base/text.hpp"
#include "sync/base/user_manager.hpp"

namespace regsync {

namespace {

void require_shared_owner(const Hub::Options& options) {
  // If each replica made its own owner id, they would fight over every Secret.
  if (!options.owner_is_named) {
    throw Error(ErrorCode::invalid_input, "--lease and --state configmaps need an owner that all replicas share",
                "name it: --owner NAME");
  }
  const std::string& owner = options.member.owner;
  if (!can_own_config_maps(owner)) {
    throw Error(ErrorCode::invalid_input,
                "the owner \"" + owner + "\" cannot be part of the name of a ConfigMap, where the state is kept",
                R"(begin and end it with a letter or digit, without ".." in it)");
  }
}

}  // namespace

Hub::Hub(asio::any_io_executor executor, Options options, std::function<kube::Kubeconfig()> kubeconfig,
         FleetMember::Handlers handlers)
    : executor_(std::move(executor)), options_(std::move(options)), kubeconfig_(std::move(kubeconfig)) {
  if (options_.keeps_state) {
    require_shared_owner(options_);
    in_use_ = context();
    member_ = std::make_unique<FleetMember>(executor_, *in_use_, options_.member, std::move(handlers));
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
  kube::ResolvedContext now = context();
  client_ = std::make_unique<kube::KubeClient>(executor_, now.clone());
  in_use_ = std::move(now);
  clusters_ = std::make_unique<ClusterSecrets>(executor_, *client_, *options_.clusters, std::move(handlers));
  return true;
}

void Hub::refresh() {
  if (!in_use_) {
    return;
  }
  kube::ResolvedContext now = context();
  if (now == *in_use_) {
    return;
  }
  if (!kube::same_connection(*in_use_, now) || in_use_->default_namespace != now.default_namespace) {
    if (in_use_->name == now.name && in_use_->server == now.server) {
      throw Error(ErrorCode::kubeconfig,
                  "the kubeconfig has another certificate authority, proxy, TLS setting or namespace for the hub (" +
                      presentable(now.name) + ") than the connections in use",
                  "to use it: " + how_to_restart_regsyncd());
    }
    throw Error(ErrorCode::kubeconfig,
                "the current context of the kubeconfig is " + presentable(now.name) +
                    ", another hub than the one in use (" + presentable(in_use_->name) + ")",
                "make it the current context again; to use the other hub: " + how_to_restart_regsyncd());
  }
  if (member_) {
    member_->use_credentials_of(now);
  }
  if (client_) {
    client_->use_credentials_of(now.clone());
  }
  in_use_ = std::move(now);
}

void Hub::end_pause() {
  if (member_) {
    member_->end_pause();
  }
  if (client_) {
    client_->end_pause();
  }
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
