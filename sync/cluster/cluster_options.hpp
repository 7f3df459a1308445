// What an engine is told once. Value type.
#pragma once

#include <cstddef>
#include <functional>

#include "sync/base/metrics.hpp"
#include "sync/model/change.hpp"
#include "sync/model/owner.hpp"

namespace regsync {

struct ClusterOptions {
  Owner owner;
  int concurrency = 64;        // requests in flight per context
  std::size_t bulk = 100;      // so many Secrets to write at once that the news of them can wait (see Cluster)
  Metrics* metrics = nullptr;  // outlives the engine; null: nothing is counted
  std::function<void(const Change&)> on_written = {};  // told of each write that succeeded; must not throw
};

}  // namespace regsync
