// Runs a program to completion: writes its input and collects its output, bounded in time and size.
//
// For exec credential plugins and Docker credential helpers, which are third-party programs: one that hangs, forks or
// prints a gigabyte must cost nothing but its own result. The child gets its own process group, which is killed as a
// whole on timeout, excess output and cancellation. A child that gets our terminal stays in our process group, as the
// terminal requires, and is killed alone. It inherits no descriptors but the three standard ones. The event loop never
// blocks: exit is awaited through a pidfd, without SIGCHLD.
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
  std::vector<std::pair<std::string, std::string>> environment;  // added to, and overriding, that of this process
  std::string input;                                             // written to stdin, which is then closed
  bool terminal_input = false;                                   // the child reads our standard input instead
  bool terminal_errors = false;  // the child writes to our standard error; not in the result
  std::chrono::milliseconds timeout = std::chrono::seconds(60);
  std::size_t max_output = std::size_t{1} << 20;  // of stdout
};

struct ChildResult {
  int exit_code = 0;        // 128 + N if signal N ended it, as in shells
  std::string output;       // stdout: may hold secrets
  std::string errors;       // stderr, at most 64 KiB of it: may hold secrets
  bool errors_cut = false;  // there was more
};

// The error for a child that timed out, with what it wrote so far.
struct ChildTimeout : Error {
  ChildTimeout(const Error& error, ChildResult until_then) : Error(error), result(std::move(until_then)) {}
  ChildResult result;
};

// Throws Error with not_found (no such program), rejected (it cannot be executed, or prints too much), timeout (a
// ChildTimeout), cancelled, or internal. A non-zero exit code is not an error. Call it on the thread of an io_context.
// From the first call on, this process ignores SIGPIPE.
asio::awaitable<ChildResult> run_child(ChildCommand command);

// The same after waiting for a turn: such a program may be a large one in Python that calls a cloud, and hundreds of
// them must not start at once. It returns its turn after a second, or a twelfth of its timeout if that is less. The
// wait is unlimited and does not count towards the child's timeout. Throws cancelled during the wait, too.
asio::awaitable<ChildResult> run_child_in_turn(Limiter& turns, ChildCommand command);

}  // namespace regsync
