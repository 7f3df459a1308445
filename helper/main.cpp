// docker-credential-regsync: the Docker credential helper over the Secret Service.
#include <csignal>
#include <iostream>

#include "helper/base/inherited_signals.hpp"
#include "helper/base/no_core_dump.hpp"
#include "helper/base/session_bus.hpp"
#include "helper/base/standard_streams.hpp"
#include "helper/protocol/helper_protocol.hpp"
#include "helper/secret_service/secret_service_store.hpp"

int main(int argc, char** argv) {
  regsync::occupy_closed_streams();
  regsync::restore_inherited_signals();
  regsync::forbid_core_dumps();
  regsync::find_session_bus();
  (void)std::signal(SIGXFSZ, [](int) {});  // a file that may not grow (ulimit -f) is an error code, not the end
  // Unbuffered: the streams of the process keep no copy of a secret.
  std::ios::sync_with_stdio(false);
  std::cin.rdbuf()->pubsetbuf(nullptr, 0);
  std::cout.rdbuf()->pubsetbuf(nullptr, 0);
  regsync::SecretServiceStore store(regsync::Prompt::allowed, -1, regsync::Shelf::docker_clients);
  return regsync::run_helper(argc == 2 ? argv[1] : "", std::cin, std::cout, store);
}
