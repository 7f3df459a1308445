// watcher_flood [COUNT]: a watcher over COUNT events (a million if not given) from a server that makes them up as they
// go; prints the rate, and the resident memory after a tenth and after all of them.
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "sync/kube/api/watcher.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/resident.hpp"

int main(int argc, char** argv) {
  using namespace regsync;
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  test::FakeApiServer server;
  server.inject({.kind = test::Fault::Kind::flood, .verb = "watch", .bytes = count});
  asio::io_context loop(1);
  kube::ResolvedContext context;
  context.server = server.url();
  kube::KubeClient client(loop.get_executor(), std::move(context));
  std::size_t events = 0;
  std::size_t after_a_tenth = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto on_event = [&](const kube::WatchEvent& event) {
    if (event.kind != kube::WatchEvent::Kind::applied) {
      return;
    }
    if (++events == count / 10) {
      after_a_tenth = test::resident_kib();
    }
    if (events == count) {
      loop.stop();
    }
  };
  kube::Watcher watcher(client, {.collection = {"secrets", "", ""}, .field_selector = ""}, on_event,
                        [](const std::optional<Error>&) {});
  asio::co_spawn(loop, watcher.run(), [](const std::exception_ptr& failure) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  });
  loop.run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::cout << events << " events, " << static_cast<double>(events) / took.count() << "/s; resident " << after_a_tenth
            << " KiB after a tenth, " << test::resident_kib() << " KiB after all\n";
}
