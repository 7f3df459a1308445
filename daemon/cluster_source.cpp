#include "daemon/cluster_source.hpp"

#include <chrono>
#include <utility>

#include "daemon/note_problem.hpp"
#include "helper/base/guarded.hpp"

namespace regsync {

namespace {

// No event reports changes of the files that the hub's kubeconfig names.
constexpr auto hub_retry = std::chrono::seconds(10);

}  // namespace

ClusterSource::ClusterSource(const asio::any_io_executor& executor, Hub& hub,
                             std::function<kube::Kubeconfig()> kubeconfig, Handlers handlers)
    : hub_(hub),
      kubeconfig_(std::move(kubeconfig)),
      handlers_(std::move(handlers)),
      retry_(executor, hub_retry, "kubeconfig", [this] { read(); }) {}

void ClusterSource::read() {
  const auto unusable = guarded([this] {
    if (hub_.describes_clusters()) {
      follow_hub();
    } else {
      set_clusters(kubeconfig_());
    }
  });
  if (unusable) {
    handlers_.on_problem(*unusable);
  } else if (note_problem(problem_, guarded([this] { hub_.refresh(); }))) {
    handlers_.on_change();
  }
  if (problem_ || (unusable && hub_.describes_clusters())) {
    retry_.ask();
  }
}

std::optional<std::string> ClusterSource::waits_for() const {
  if (is_known_) {
    return std::nullopt;
  }
  return hub_.describes_clusters() ? "the Secrets of the clusters" : "a kubeconfig";
}

void ClusterSource::follow_hub() {
  const bool begins =
      hub_.follow_clusters({.on_clusters = [this](kube::Kubeconfig clusters) { set_clusters(std::move(clusters)); },
                            .on_problem = [this](Error why) { handlers_.on_problem(std::move(why)); }});
  if (begins) {
    handlers_.on_problem({ErrorCode::kubeconfig, "the Secrets of the clusters are not listed yet", "wait a moment"});
  }
}

void ClusterSource::set_clusters(kube::Kubeconfig clusters) {
  is_known_ = true;
  handlers_.on_clusters(std::move(clusters));
}

}  // namespace regsync
