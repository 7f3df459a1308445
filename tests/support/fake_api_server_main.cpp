// fake-api-server [--port PORT] [--servers N] [--kubeconfig FILE] [--contexts A,B] [--namespaces X,Y] [--deny
// NAMESPACE]: API servers in memory, for demonstrations, tests and benches where no real ones are at hand. Prints the
// URL of each, then serves until SIGTERM or SIGINT. --deny: nobody may write Secrets in that namespace. --kubeconfig:
// for the first server. On SIGUSR1 it prints the number of requests of each kind to all servers since the last time.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/fake_api_server.hpp"

namespace {

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> items;
  std::istringstream stream(list);
  for (std::string item; std::getline(stream, item, ',');) {
    items.push_back(item);
  }
  return items;
}

int serve(const std::vector<std::string>& words) {
  int port = 0;
  std::string kubeconfig;
  std::vector<std::string> contexts{"fake"};
  std::vector<std::string> namespaces;
  int servers = 1;
  std::string denied;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    const std::string& value = words[i + 1];
    if (words[i] == "--port") {
      port = std::stoi(value);
    } else if (words[i] == "--kubeconfig") {
      kubeconfig = value;
    } else if (words[i] == "--servers") {
      servers = std::stoi(value);
    } else if (words[i] == "--deny") {
      denied = value;
    } else if (words[i] == "--contexts") {
      contexts = split(value);
    } else if (words[i] == "--namespaces") {
      namespaces = split(value);
    } else {
      std::cerr << "fake-api-server: unknown option: " << words[i] << "\n";
      return 2;
    }
  }
  // Block the signals before the server's threads exist, so that only the wait below receives them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::vector<std::unique_ptr<regsync::test::FakeApiServer>> running;
  for (int i = 0; i < servers; ++i) {
    running.push_back(std::make_unique<regsync::test::FakeApiServer>(i == 0 ? port : 0));
    regsync::test::FakeApiServer& server = *running.back();
    for (const std::string& name : namespaces) {
      server.make_namespace(name);
    }
    if (!denied.empty()) {
      server.deny("patch", "secrets", denied);
    }
    std::cout << server.url() << '\n';
  }
  std::cout << std::flush;  // the parent process reads it now
  if (!kubeconfig.empty()) {
    std::ofstream(kubeconfig) << running.front()->kubeconfig(contexts);
  }
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGUSR1) {
    std::map<std::string, int> requests;
    for (const auto& server : running) {
      for (const auto& request : server->take_requests()) {
        ++requests[request.verb + " " + request.key.resource];
      }
    }
    std::cout << nlohmann::json(requests) << '\n' << std::flush;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return serve({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "fake-api-server: " << error.what() << '\n';
    return 1;
  }
}
