// fleet-server CLUSTERS NAMESPACES CERTIFICATE KEY: a FleetServer. Prints the URL of each cluster, then serves until it
// is killed. For each line of its input, "report" or "contents", it prints FleetServer's result as a line of JSON; for
// "forget", it prints the report and then resets it.
#include <sys/resource.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/fleet_server.hpp"

namespace {

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  constexpr std::size_t expected = 5;
  if (words.size() != expected) {
    std::cerr << "usage: fleet-server CLUSTERS NAMESPACES CERTIFICATE KEY\n";
    return 2;
  }
  raise_file_limit();
  asio::io_context io(1);
  regsync::test::FleetServer server(
      io,
      {.clusters = std::stoi(words[1]), .namespaces = std::stoi(words[2]), .certificate = words[3], .key = words[4]});
  for (const auto& url : server.urls()) {
    std::cout << url << '\n';
  }
  std::cout << std::flush;  // the parent process reads it now
  asio::posix::stream_descriptor input(io, ::dup(STDIN_FILENO));
  std::string line;
  const std::function<void()> serve = [&] {
    asio::async_read_until(
        input, asio::dynamic_buffer(line), '\n', [&](const asio::error_code& error, std::size_t size) {
          if (error) {
            io.stop();  // the parent process has ended
            return;
          }
          const std::string command = line.substr(0, size - 1);
          line.erase(0, size);
          std::cout << (command == "contents" ? server.contents() : server.report()) << '\n' << std::flush;
          if (command == "forget") {
            server.forget();
          }
          serve();
        });
  };
  serve();
  io.run();
}
