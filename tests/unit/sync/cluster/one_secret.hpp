// One target with one Secret, and the tables of its context, which the test fills by hand: no watch runs.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "sync/base/resource_version.hpp"
#include "sync/cluster/cluster_cache.hpp"
#include "sync/cluster/watch_table.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync {

class OneSecret : public testing::Test {
 protected:
  static inline const test::FakeKube::Key cred{"secrets", "team", "cred"};
  static inline const Key key{"team", "cred"};

  OneSecret() {
    kube_.make_namespace("team");
    cache_.observe_namespace("team", NamespaceView());
    wanted_.login("first");
    want();
  }

  void want(const Target& target = test::make_target()) {
    wanted_.put(target);
    table_.places = wanted_.places();
  }
  // What the server has, as a watch tells it.
  void observe() {
    const auto secret = kube_.find(cred);
    cache_.observe(key, secret ? version_number(resource_version_of(*secret)) : 0,
                   secret ? std::optional(view_secret(*secret, test::owner_id)) : std::nullopt);
  }

  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  test::Wanted wanted_;
  WatchTable table_;
  ClusterCache cache_;
  kube::KubeClient client_{test::context_of_test(), kube_.transport.connect()};
};

}  // namespace regsync
