// kube_apply_bench KUBECONFIG CONTEXT NAMESPACE [COUNT] [IN_FLIGHT] [WITHOUT]: applies one Secret COUNT times with
// IN_FLIGHT requests under way on one connection, and prints the rate and this process's own processor time for each.
// WITHOUT leaves a part of the client out: batches, stalled or silent. tests/bench/kube-apply compares it with
// h2load's, which can only repeat one request, on the same server; tests/bench/http-parts with and without each part.
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/kube/http/http_client.hpp"

namespace {

using regsync::kube::ApplyOptions;
using regsync::kube::KubeClient;
using regsync::kube::ObjectPath;

struct Work {
  int next = 0;
  int count = 0;
  std::string name_space;
};

constexpr const char* body =
    R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"bench"},"type":"Opaque","data":{"key":"dmFsdWU="}})";

asio::awaitable<void> worker(KubeClient& client, std::shared_ptr<Work> work) {
  while (work->next < work->count) {
    ++work->next;
    ObjectPath path{"secrets", work->name_space, "bench"};
    const ApplyOptions options;
    const std::string answer = co_await client.apply(std::move(path), body, options);
    if (answer.find("\"metadata\"") == std::string::npos) {
      throw std::runtime_error("no object");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: kube_apply_bench KUBECONFIG CONTEXT NAMESPACE [COUNT] [IN_FLIGHT] [WITHOUT]\n";
    return 2;
  }
  const auto work = std::make_shared<Work>();
  work->count = argc > 4 ? std::stoi(argv[4]) : 4096;
  const int in_flight = argc > 5 ? std::stoi(argv[5]) : 64;
  work->name_space = argv[3];
  asio::io_context context(1);
  const std::string without = argc > 6 ? argv[6] : "";
  const regsync::kube::HttpParts parts{.read_in_batches = without != "batches",
                                       .mend_stalled_answers = without != "stalled",
                                       .ask_silent_peers = without != "silent"};
  regsync::kube::ResolvedContext resolved = regsync::kube::Kubeconfig::load(argv[1]).resolve(argv[2]);
  auto transport = std::make_unique<regsync::kube::HttpClient>(
      context.get_executor(), regsync::kube::endpoint_of(resolved), regsync::kube::Patience{}, parts);
  KubeClient client(std::move(resolved), std::move(transport));
  const auto begin = std::chrono::steady_clock::now();
  int working = in_flight;
  for (int i = 0; i < in_flight; ++i) {
    asio::co_spawn(context, worker(client, work), [&](const std::exception_ptr& failure) {
      if (failure) {
        std::rethrow_exception(failure);
      }
      if (--working == 0) {
        context.stop();  // libcurl's timers of idle connections would keep it
      }
    });
  }
  context.run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const double processor = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  std::cout << static_cast<double>(work->count) / took.count() << " applies/s, "
            << processor * 1e6 / static_cast<double>(work->count) << " us each\n";
}
