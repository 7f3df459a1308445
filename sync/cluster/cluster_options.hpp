// ClusterOptions are the options of an engine, fixed at its start. Value type.
#pragma once

#include <asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "sync/base/metrics.hpp"
#include "sync/cluster/label_grace.hpp"
#include "sync/cluster/work_share.hpp"
#include "sync/kube/config/resolved_context.hpp"
#include "sync/kube/http/http_transport.hpp"
#include "sync/model/change.hpp"
#include "sync/model/key.hpp"
#include "sync/model/owner.hpp"
#include "sync/model/places.hpp"

namespace regsync {

// What is about to happen to one of our Secrets.
enum class Taking { deleted, taken_over };  // by another target

struct ClusterOptions {
  Owner owner;
  int concurrency = 64;                                              // keys in work per context
  std::shared_ptr<WorkShare> share = std::make_shared<WorkShare>();  // limits keys in work over all contexts
  std::size_t bulk = 100;  // from this many Secrets to write, their watch events are held back (see Cluster)
  int few_watches =
      regsync::few_watches;    // see plan_watches; below zero: Secrets are watched by label wherever allowed
  Metrics* metrics = nullptr;  // outlives the engine; null: nothing is counted
  std::function<void(const Change&)> on_written = {};  // called after each successful write; must not throw
  // Asked right before each write to the cluster at this address; false if another replica may be writing there. Must
  // not throw. Empty: there is no other replica.
  std::function<bool(const std::string& server)> may_write = {};
  // Called with its uid before a Secret is deleted or taken from another target of ours. Throws an Error if another
  // context reaches the same object and wants it, or if that cannot be determined.
  std::function<asio::awaitable<void>(std::string context, Key key, std::string uid, Taking taking)> check_elsewhere =
      {};
  // Creates the transport to a context's API server, for tests. Empty: the network.
  std::function<std::unique_ptr<kube::HttpTransport>(const kube::ResolvedContext&)> connect = {};
  // How long a namespace's labels must stay unchanged, after a change that was seen, before the Secret of a namespace
  // that they no longer select is deleted.
  std::chrono::milliseconds label_grace = default_grace;
};

}  // namespace regsync
