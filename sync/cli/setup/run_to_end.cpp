#include "sync/cli/setup/run_to_end.hpp"

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <csignal>
#include <exception>

namespace regsync {

ChildResult run_to_end(ChildCommand command) {
  (void)std::signal(SIGPIPE, SIG_IGN);  // a child may end without reading its input
  asio::io_context io;
  ChildResult result;
  std::exception_ptr failure;
  asio::co_spawn(io, run_child(std::move(command)), [&](std::exception_ptr error, ChildResult done) {
    failure = std::move(error);
    result = std::move(done);
  });
  io.run();
  if (failure) {
    std::rethrow_exception(failure);
  }
  return result;
}

}  // namespace regsync
