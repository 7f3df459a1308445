#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <map>
#include <string>

#include "sync/base/json_access.hpp"
#include "sync/fleet/footprint_data.hpp"
#include "sync/fleet/lease.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/sync/targets.hpp"
#include "tests/support/fake_transport.hpp"

namespace regsync::fuzz {

void lease(std::string_view bytes) {
  if (bytes.empty()) {
    return;
  }
  const auto intent = static_cast<Lease::Intent>(static_cast<unsigned char>(bytes.front()) % 3);
  const std::string object(bytes.substr(1));
  asio::io_context loop;
  test::FakeTransport server(loop.get_executor());
  server.on("", "", [&](const kube::HttpRequest& request) {
    const bool is_list = request.method == "GET" && request.target.find("/leases?") != std::string::npos;
    return test::FakeTransport::respond(
        200, is_list ? R"({"metadata":{"resourceVersion":"7"},"items":[)" + object + "]}" : object);
  });
  server.on("GET", "/apis/coordination.k8s.io/v1/namespaces/regsync/leases?watch",
            [](const kube::HttpRequest&) { return test::FakeTransport::opened(""); });
  kube::ResolvedContext context;
  context.server = "https://hub";
  kube::KubeClient hub(std::move(context), server.connect());
  Lease lease(loop.get_executor(), hub, {.name = "slot-0", .name_space = "regsync", .identity = "me"},
              {.intent = [intent](const Lease&) { return intent; }, .on_change = [] {}});
  loop.poll();
  static_cast<void>(lease.holder());
  static_cast<void>(lease.requested_by());
  if (lease.problem()) {
    static_cast<void>(nlohmann::json{lease.problem()->message(), lease.problem()->remedy()}.dump());
  }
  asio::co_spawn(loop, lease.stop(), asio::detached);
  loop.restart();
  loop.run();
}

void footprint_config_map(std::string_view bytes) {
  FootprintData data;
  const auto document = parse_json(bytes).value_or(nlohmann::json());
  for (const auto& [key, value] : map_at(document, {}).items()) {
    if (value.is_string()) {
      data.emplace(key, value.get<std::string>());
    }
  }
  data.emplace("a-context", std::string(bytes));
  try {
    Footprint footprint;
    update_footprint(footprint, {}, data);
    update_footprint(footprint, data, {});
    require(footprint == Footprint(), "what was taken away is forgotten");
  } catch (const std::exception& odd) {
    require(odd.what() != nullptr, "it says why");
  }
}

}  // namespace regsync::fuzz
