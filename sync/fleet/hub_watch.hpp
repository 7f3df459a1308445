// HubWatch follows one collection of the hub until it is stopped: it restarts its Watcher after failures that a Watcher
// does not retry (no right to list, or a defect), and on request.
//
// Lives on the io_context thread. stop() must have returned before destruction.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <memory>

#include "sync/base/task_group.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/api/watcher.hpp"

namespace regsync {

class HubWatch {
 public:
  // The handlers are those of a Watcher; on_health also receives what ended one. hub must outlive this.
  HubWatch(asio::any_io_executor executor, kube::KubeClient& hub, kube::WatchScope scope,
           kube::Watcher::Handler on_event, kube::Watcher::HealthHandler on_health);
  ~HubWatch();
  HubWatch(const HubWatch&) = delete;
  HubWatch& operator=(const HubWatch&) = delete;
  HubWatch(HubWatch&&) = delete;
  HubWatch& operator=(HubWatch&&) = delete;

  // Starts. Calls no handler before it returns.
  void start();
  // Starts a new list now. The next `synced` event marks the end of a list that began after this call.
  void relist();

  asio::awaitable<void> stop();

 private:
  struct Run;

  asio::awaitable<void> follow(std::shared_ptr<Run> run);
  void tell_health(const std::optional<Error>& problem);

  asio::any_io_executor executor_;
  kube::KubeClient& hub_;
  kube::WatchScope scope_;
  kube::Watcher::Handler on_event_;
  kube::Watcher::HealthHandler on_health_;
  std::shared_ptr<Run> run_;  // the current run; events of others are ignored
  bool stopping_ = false;
  TaskGroup tasks_;
};

}  // namespace regsync
