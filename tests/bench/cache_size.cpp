// cache_size [COUNT]: what a ClusterCache of COUNT namespaces (100,000 if not given), each with one Secret, takes of
// the heap: bytes for a namespace, and for a Secret in it. Names of up to 15 characters are free of allocations.
#include <malloc.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "sync/cluster/cluster_cache.hpp"
#include "sync/model/secret_object.hpp"

namespace {

std::size_t allocated() {
  const auto heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

}  // namespace

int main(int argc, char** argv) try {
  using namespace regsync;
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  const auto key = [](std::size_t i) { return Key{"team-" + std::to_string(i), "cred"}; };
  const auto view = [](const std::string& version) {
    return view_secret({{"metadata", {{"resourceVersion", version}}}}, "id");
  };
  ClusterCache cache;
  view("1");  // OpenSSL takes memory of its own at the first digest
  const auto before = allocated();
  for (std::size_t i = 0; i < count; ++i) {
    cache.observe_namespace(key(i).name_space, NamespaceView{.terminating = false, .labels = {{"env", "prod"}}});
  }
  const auto with_namespaces = allocated();
  for (std::size_t i = 0; i < count; ++i) {
    cache.observe(key(i), i + 1, view(std::to_string(i + 1)));
  }
  const auto with_secrets = allocated();
  std::cout << (with_namespaces - before) / count << " bytes for a namespace, "
            << (with_secrets - with_namespaces) / count << " bytes for a Secret\n";
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
