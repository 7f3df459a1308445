// One page of a list, with all its items at once, for tests.
#pragma once

#include <asio/awaitable.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "sync/kube/api/kube_client.hpp"

namespace regsync::test {

struct Listed {
  kube::ListPage page;
  std::vector<nlohmann::json> items;
};

inline asio::awaitable<Listed> list(kube::KubeClient& client, kube::ObjectPath collection,
                                    kube::ListOptions options = {}) {
  Listed listed;
  std::function<void(nlohmann::json&&)> keep = [&](nlohmann::json&& item) { listed.items.push_back(std::move(item)); };
  listed.page = co_await client.list(std::move(collection), std::move(options), std::move(keep));
  co_return listed;
}

}  // namespace regsync::test
