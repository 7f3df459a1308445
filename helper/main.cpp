// docker-credential-regsync: the Docker credential helper over the Secret Service.
#include <iostream>

#include "helper/base/start_process.hpp"
#include "helper/protocol/helper_protocol.hpp"
#include "helper/secret_service/secret_service_store.hpp"

int main(int argc, char** argv) {
  regsync::start_process();
  // Unbuffered, so that the standard streams keep no copy of a secret.
  std::ios::sync_with_stdio(false);
  std::cin.rdbuf()->pubsetbuf(nullptr, 0);
  std::cout.rdbuf()->pubsetbuf(nullptr, 0);
  regsync::SecretServiceStore store(regsync::Prompt::allowed, -1, regsync::Shelf::docker_clients);
  return regsync::run_helper(argc == 2 ? argv[1] : "", std::cin, std::cout, store);
}
