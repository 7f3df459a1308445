// The options of an engine, fixed at its start. Value type.
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

// What is about to happen to a Secret of ours.
enum class Taking { deleted, taken_over };  // by another target

struct ClusterOptions {
  Owner owner;
  int concurrency = 64;                                              // keys in work per context
  std::shared_ptr<WorkShare> share = std::make_shared<WorkShare>();  // of them, for all contexts together
  std::size_t bulk = 100;  // so many Secrets to write at once that the news of them can wait (see Cluster)
  int few_watches =
      regsync::few_watches;    // see plan_watches; below zero: Secrets are watched by label wherever allowed
  Metrics* metrics = nullptr;  // outlives the engine; null: nothing is counted
  std::function<void(const Change&)> on_written = {};  // told of each write that succeeded; must not throw
  // Asked right before each write to the cluster at this address: false where another replica may write there now.
  // Must not throw. Empty: no other replica does.
  std::function<bool(const std::string& server)> may_write = {};
  // Called before a Secret is deleted, or taken from another target of ours, with its uid: throws an Error where
  // another context reaches the same object and wants it, or where that cannot be told.
  std::function<asio::awaitable<void>(std::string context, Key key, std::string uid, Taking taking)> check_elsewhere =
      {};
  // Makes what reaches the API server of a context, for tests. Empty: the network does.
  std::function<std::unique_ptr<kube::HttpTransport>(const kube::ResolvedContext&)> connect = {};
  // A namespace that labels no longer select loses its Secret once its labels have stayed unchanged for this long after
  // a change that was seen.
  std::chrono::milliseconds label_grace = default_grace;
};

}  // namespace regsync
