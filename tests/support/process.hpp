// Runs programs for tests: in the test's own environment, with a deadline, and never longer than the test.
//
// Output goes to memory (memfd), not to pipes: no reader thread, no full pipe, and no secret on a disk. Each program
// leads a process group of its own, which the destructor kills; the kernel kills the program itself when the thread
// that started it ends (PR_SET_PDEATHSIG), so start programs from a test's main thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace regsync::test {

using Environment = std::map<std::string, std::string>;

// PATH, the locale, and a HOME with XDG folders below `home`: nothing of the developer's environment (no DOCKER_CONFIG,
// KUBECONFIG, session bus). XDG_RUNTIME_DIR is home/run, 0700.
Environment sandbox(const TempDir& home);

// The environment of this process, for support scripts that need the developer's caches.
Environment own_environment();

struct Program {
  std::vector<std::string> argv;  // argv[0] is looked up on the PATH of `env`
  Environment env;                // the whole environment
  std::string in;                 // stdin, then end of file
  std::filesystem::path directory = {};
  int terminal = -1;  // if >= 0, its stdin, stdout and stderr, in a session of its own (see Terminal)
};

struct Outcome {
  int exit_code = -1;  // 128 + the signal that ended it, as in shells; -1: killed at the deadline
  std::string out;
  std::string err;
};

class Process {
 public:
  explicit Process(const Program& program);  // throws std::system_error; a failed exec is exit code 127
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  Process(Process&&) = delete;
  Process& operator=(Process&&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running() { return !wait(std::chrono::milliseconds(0)); }
  void signal(int number) const;  // to the program, not its children

  // Waits for the end and returns the exit code; nullopt if the time is over first.
  std::optional<int> wait(std::chrono::milliseconds time);

  // Its output so far.
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;

 private:
  pid_t pid_ = -1;
  int pid_fd_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::optional<int> exit_code_;
};

// Whether the process exists and has not ended. A zombie has ended.
bool process_runs(pid_t pid);

Outcome run_program(const Program& program, std::chrono::milliseconds time = std::chrono::seconds(30));

}  // namespace regsync::test
