// Runs a program to its end: writes its input and collects its output, both bounded in time and size.
//
// For exec credential plugins and Docker credential helpers, which are other people's programs: one that hangs, forks
// or prints a gigabyte must cost nothing but its own result. The child gets a process group of its own, which is
// killed as a whole on timeout, on too much output and on cancellation; a child that gets our terminal stays in our
// process group, as the terminal demands, and is killed alone. No descriptor of ours but the three standard ones
// reaches it. The event loop never blocks: exit is awaited through a pidfd, without SIGCHLD.
#pragma once

#include <asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"

namespace regsync {

class Limiter;

struct ChildCommand {
  std::string program;  // a path, or a name to look up on PATH (find_program)
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // beside, and before, that of this process
  std::string input;                                             // given on stdin, then closed
  bool terminal_input = false;                                   // the child reads our standard input instead
  bool terminal_errors = false;  // the child writes to our standard error; the result has nothing of it
  std::chrono::milliseconds timeout = std::chrono::seconds(60);
  std::size_t max_output = std::size_t{1} << 20;  // of stdout
};

struct ChildResult {
  int exit_code = 0;        // 128 + N when signal N ended it, as shells say
  std::string output;       // stdout: may hold secrets
  std::string errors;       // stderr, at most 64 KiB of it: may hold secrets
  bool errors_cut = false;  // there was more
};

// Of a child whose time was up: what it wrote so far.
struct ChildTimeout : Error {
  ChildTimeout(const Error& error, ChildResult until_then) : Error(error), result(std::move(until_then)) {}
  ChildResult result;
};

// Throws Error with not_found (no such program), rejected (it cannot be executed, or prints too much), timeout (a
// ChildTimeout), cancelled, or internal. A non-zero exit is a result. Call it on an io_context's thread. From the first
// call on this process ignores SIGPIPE.
asio::awaitable<ChildResult> run_child(ChildCommand command);

// The same once there is a turn: such a program may be a large one in Python that calls a cloud, and hundreds of them
// must not start at once. One that runs for more than a second, or a twelfth of its time, keeps its turn no longer. The
// time for waiting is not limited, and is none of the child's. Throws cancelled while it waits, too.
asio::awaitable<ChildResult> run_child_in_turn(Limiter& turns, ChildCommand command);

}  // namespace regsync
