// kube_apply_bench KUBECONFIG CONTEXT NAMESPACE [COUNT] [IN_FLIGHT]: applies one Secret COUNT times with IN_FLIGHT
// requests under way on one connection, and prints the rate. tests/bench/kube-apply compares it with h2load's, which
// can only repeat one request, on the same server.
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/config/kubeconfig.hpp"

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
    std::cerr << "usage: kube_apply_bench KUBECONFIG CONTEXT NAMESPACE [COUNT] [IN_FLIGHT]\n";
    return 2;
  }
  const auto work = std::make_shared<Work>();
  work->count = argc > 4 ? std::stoi(argv[4]) : 4096;
  const int in_flight = argc > 5 ? std::stoi(argv[5]) : 64;
  work->name_space = argv[3];
  asio::io_context context(1);
  KubeClient client(context.get_executor(), regsync::kube::Kubeconfig::load(argv[1]).resolve(argv[2]));
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
  std::cout << static_cast<double>(work->count) / took.count() << " applies/s\n";
}
