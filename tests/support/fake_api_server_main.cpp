// fake-api-server [--port PORT] [--kubeconfig FILE] [--contexts A,B] [--namespaces X,Y]: an API server in memory, for
// demonstrations and tests where no real one is at hand. Prints its URL, then serves until SIGTERM or SIGINT.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
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

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  std::string kubeconfig;
  std::vector<std::string> contexts{"fake"};
  std::vector<std::string> namespaces;
  const std::vector<std::string> words(argv + 1, argv + argc);
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    const std::string& value = words[i + 1];
    if (words[i] == "--port") {
      port = std::stoi(value);
    } else if (words[i] == "--kubeconfig") {
      kubeconfig = value;
    } else if (words[i] == "--contexts") {
      contexts = split(value);
    } else if (words[i] == "--namespaces") {
      namespaces = split(value);
    } else {
      std::cerr << "fake-api-server: unknown option: " << words[i] << "\n";
      return 2;
    }
  }
  // Blocked before the server's threads exist, so that only the wait below takes them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  regsync::test::FakeApiServer server(port);
  for (const std::string& name : namespaces) {
    server.make_namespace(name);
  }
  if (!kubeconfig.empty()) {
    std::ofstream(kubeconfig) << server.kubeconfig(contexts);
  }
  std::cout << server.url() << std::endl;  // NOLINT(performance-avoid-endl): whoever started us reads it now
  int signal = 0;
  sigwait(&ends, &signal);
}
