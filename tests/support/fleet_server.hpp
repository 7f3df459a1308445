// Many API servers in one process and one thread, for benches of a fleet: HTTP/2 over TLS, a port for each cluster.
//
// Each cluster has the same namespaces, and stores Secrets and nothing else: server-side apply, lists in pages, and
// watches with bookmarks, as far as regsyncd uses them. There are no rights, and a token is counted, not checked.
// FakeApiServer behaves like an API server in many more ways, and is too slow and too large for a thousand.
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

  // What was asked since it was forgotten last:
  //   requests     {"VERB RESOURCE": how many}
  //   tokens       {"TOKEN": how many requests came with it}
  //   connections  how many were made
  //   writes       how many Secrets were written; and when the first, the last and 99 of 100 of them came, in seconds
  //                since 1970, as "first", "last" and "p99"
  //   repeated     how many writes changed nothing
  [[nodiscard]] nlohmann::json report() const;
  void forget();
  // How many Secrets there are, by the value of their .dockerconfigjson.
  [[nodiscard]] nlohmann::json contents() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace regsync::test
