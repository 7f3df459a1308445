// FleetServer is many API servers in one process and thread, for benchmarks of a fleet: HTTP/2 over TLS, a port for
// each cluster.
//
// Each cluster has the same namespaces, and stores only Secrets: server-side apply, lists in pages, and watches with
// bookmarks, as far as regsyncd uses them. There is no authorization, and tokens are counted, not checked.
// FakeApiServer is closer to a real API server, but too slow and too large for a thousand clusters.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ssl/context.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace regsync::test {

class FleetServer {
 public:
  struct Options {
    int clusters = 1;
    int namespaces = 1;  // team-0, team-1 …
    std::filesystem::path certificate;
    std::filesystem::path key;
  };

  // Listens on 127.0.0.1. Throws std::system_error.
  FleetServer(asio::io_context& io, const Options& options);
  ~FleetServer();
  FleetServer(const FleetServer&) = delete;
  FleetServer& operator=(const FleetServer&) = delete;
  FleetServer(FleetServer&&) = delete;
  FleetServer& operator=(FleetServer&&) = delete;

  [[nodiscard]] std::vector<std::string> urls() const;

  // The counts since the last forget():
  //   requests     {"VERB RESOURCE": count}
  //   tokens       {"TOKEN": count of requests}
  //   connections  count of new connections
  //   writes       count of written Secrets, and the times of the first, the last and the 99th percentile, in seconds
  //                since 1970, as "first", "last" and "p99"
  //   repeated     count of writes that changed nothing
  [[nodiscard]] nlohmann::json report() const;
  void forget();
  // The number of Secrets by the value of their .dockerconfigjson.
  [[nodiscard]] nlohmann::json contents() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace regsync::test
