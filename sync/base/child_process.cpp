#include "sync/base/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <asio/buffer.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <csignal>  // kill, sigset_t
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "helper/base/error.hpp"
#include "sync/base/file_limit.hpp"
#include "sync/base/find_program.hpp"
#include "sync/base/limiter.hpp"
#include "sync/base/spawn_guarded.hpp"

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 lacks extern "C" in this header
}

extern "C" char** environ;  // NOLINT(readability-redundant-declaration): POSIX declares it nowhere

namespace regsync {
namespace {

using asio::posix::stream_descriptor;

constexpr std::size_t kept_errors = std::size_t{64} * 1024;
constexpr auto wait_for_death = std::chrono::microseconds(500);
constexpr int most_waits_for_death = 100;
// Descendants of a child may hold its pipes open for ever; its own output arrives within this time after its exit.
constexpr auto grace_after_exit = std::chrono::milliseconds(500);
// A child that takes longer than this, or than this part of its timeout, is presumably waiting and not using the
// processors.
constexpr std::chrono::milliseconds longest_turn = std::chrono::seconds(1);
constexpr int turn_part = 12;

Error failed(const std::string& what, int code) { return {ErrorCode::internal, what + ": " + std::strerror(code)}; }

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw failed("no pipe", errno);
    }
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  Pipe(Pipe&&) = delete;
  Pipe& operator=(Pipe&&) = delete;

  void close_end(std::size_t end) {
    if (ends.at(end) >= 0) {
      ::close(std::exchange(ends.at(end), -1));
    }
  }
  int take(std::size_t end) { return std::exchange(ends.at(end), -1); }

  std::array<int, 2> ends{-1, -1};
};

struct SpawnActions {
  SpawnActions() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnActions() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  SpawnActions(SpawnActions&&) = delete;
  SpawnActions& operator=(SpawnActions&&) = delete;

  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
};

std::vector<std::string> environment_of(const ChildCommand& command) {
  std::map<std::string, std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) {
      variables[std::string(text.substr(0, equals))] = text.substr(equals + 1);
    }
  }
  for (const auto& [name, value] : command.environment) {
    variables[name] = value;
  }
  std::vector<std::string> list;
  list.reserve(variables.size());
  for (const auto& [name, value] : variables) {
    list.push_back(name + "=" + value);
  }
  return list;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  list.reserve(strings.size() + 1);
  for (std::string& string : strings) {
    list.push_back(string.data());
  }
  list.push_back(nullptr);
  return list;
}

pid_t spawn(const ChildCommand& command, const Pipe& in, const Pipe& out, const Pipe& err) {
  const std::string program = find_program(command.program);
  SpawnActions actions;
  if (!command.terminal_input) {
    posix_spawn_file_actions_adddup2(&actions.files, in.ends[0], STDIN_FILENO);
  }
  posix_spawn_file_actions_adddup2(&actions.files, out.ends[1], STDOUT_FILENO);
  if (!command.terminal_errors) {
    posix_spawn_file_actions_adddup2(&actions.files, err.ends[1], STDERR_FILENO);
  }
  posix_spawn_file_actions_addclosefrom_np(&actions.files, STDERR_FILENO + 1);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&actions.attributes, &none);
  posix_spawnattr_setsigdefault(&actions.attributes, &all);  // we ignore SIGPIPE; a child expects the default
  const int group = command.terminal_input ? 0 : POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setpgroup(&actions.attributes, 0);
  posix_spawnattr_setflags(&actions.attributes,
                           static_cast<short>(group | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  std::vector<std::string> words{command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> variables = environment_of(command);
  pid_t pid = -1;
  const int failure = posix_spawn(&pid, program.c_str(), &actions.files, &actions.attributes, pointers(words).data(),
                                  pointers(variables).data());
  if (failure == ENOEXEC) {
    throw Error(ErrorCode::rejected, program + " is not a program of this machine, nor a script with a \"#!\" line");
  }
  if (failure == ENOENT) {
    throw Error(ErrorCode::rejected, program + " cannot run: the interpreter that it names is not there");
  }
  if (failure != 0) {
    throw failed("cannot start " + program, failure);
  }
  give_inherited_file_limit(pid);
  return pid;
}

// Ended or killed children that cannot be reaped yet, because of a debugger or a file system that does not answer. They
// are reaped when another child is started.
std::vector<pid_t>& held_children() {
  static thread_local std::vector<pid_t> held;
  return held;
}

// Stands for the status of a child that the kernel has reaped because SIGCHLD is ignored.
constexpr int unknown_end = -1;

// The status from waitpid(2); nullopt as long as the child cannot be reaped.
std::optional<int> status_of(pid_t pid) {
  int status = 0;
  pid_t reaped = -1;
  do {
    reaped = ::waitpid(pid, &status, WNOHANG);
  } while (reaped < 0 && errno == EINTR);
  return reaped == 0 ? std::nullopt : std::optional(reaped < 0 ? unknown_end : status);
}

void reap_held_children() {
  std::erase_if(held_children(), [](pid_t pid) { return status_of(pid).has_value(); });
}

// A started child. The destructor kills it if it still runs, and reaps it.
class Child {
 public:
  Child(pid_t pid, bool leads_group) : pid_(pid), leads_group_(leads_group) {}
  ~Child() {
    if (pid_ <= 0) {
      return;
    }
    kill();
    for (int i = 0; i < most_waits_for_death; ++i) {
      if (status_of(pid_)) {
        return;
      }
      std::this_thread::sleep_for(wait_for_death);  // it is dying: too short to wait on the event loop
    }
    held_children().push_back(pid_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child(Child&&) = delete;
  Child& operator=(Child&&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

  // Safe as long as the child is not reaped: until then its pid is not reused.
  void kill() const { ::kill(leads_group_ ? -pid_ : pid_, SIGKILL); }

  // Reaps an ended child and returns its exit code.
  int reap() {
    const auto status = status_of(pid_);
    if (!status) {
      throw Error(ErrorCode::rejected,
                  "another program holds it (process " + std::to_string(pid_) + "), as debuggers do");
    }
    pid_ = -1;
    if (*status == unknown_end) {
      throw Error(ErrorCode::internal, "how it ended is not known: this process ignores the end of its children",
                  "see what sets SIGCHLD to be ignored");
    }
    return WIFSIGNALED(*status) ? 128 + WTERMSIG(*status) : WEXITSTATUS(*status);
  }

 private:
  pid_t pid_;
  bool leads_group_;
};

// The state shared by the coroutines of one run. Each of them holds it, so that it outlives those that are cancelled
// first.
struct Run {
  Run(const asio::any_io_executor& executor, Pipe& in, Pipe& out, Pipe& err, int pidfd)
      : input(executor, in.take(1)),
        output(executor, out.take(0)),
        errors(executor, err.take(0)),
        exit(executor, pidfd),
        news(executor, asio::steady_timer::time_point::max()) {}

  void close() {
    std::error_code ignored;
    input.close(ignored);
    output.close(ignored);
    errors.close(ignored);
    exit.close(ignored);
  }

  stream_descriptor input;
  stream_descriptor output;
  stream_descriptor errors;
  stream_descriptor exit;  // a pidfd: readable once the child has ended
  asio::steady_timer news;
  ChildResult result;
  int open_pipes = 2;
  bool exited = false;
  bool too_much = false;
  std::optional<Error> problem;  // from one of the coroutines
};

asio::awaitable<void> feed(std::shared_ptr<Run> run, std::string input) {
  std::error_code failure;
  co_await asio::async_write(run->input, asio::buffer(input), asio::redirect_error(asio::use_awaitable, failure));
  run->input.close(failure);  // a child need not read its input
}

asio::awaitable<void> collect(std::shared_ptr<Run> run, bool is_output, std::size_t limit) {
  stream_descriptor& pipe = is_output ? run->output : run->errors;
  std::string& text = is_output ? run->result.output : run->result.errors;
  std::vector<char> buffer(std::size_t{16} * 1024);
  std::error_code failure;
  while (!failure && !run->too_much) {
    const std::size_t size =
        co_await pipe.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, failure));
    text.append(buffer.data(), size);
    if (is_output) {
      run->too_much = text.size() > limit;
    } else if (text.size() > kept_errors) {
      text.resize(kept_errors);
      run->result.errors_cut = true;
    }
  }
  --run->open_pipes;
  run->news.cancel();
}

asio::awaitable<void> await_exit(std::shared_ptr<Run> run) {
  std::error_code failure;
  co_await run->exit.async_wait(stream_descriptor::wait_read, asio::redirect_error(asio::use_awaitable, failure));
  run->exited = true;
  run->news.cancel();
}

// Starts one of the coroutines of a run. If it throws, the run fails with that.
void start(const asio::any_io_executor& executor, const std::shared_ptr<Run>& run, asio::awaitable<void> part) {
  spawn_guarded(executor, std::move(part), [run](std::optional<Error> problem) {
    if (problem) {
      run->problem = std::move(problem);
      run->news.cancel();
    }
  });
}

}  // namespace

asio::awaitable<ChildResult> run_child(ChildCommand command) {
  // A child may close its input before reading all of it.
  static const auto ignored = ::signal(SIGPIPE, SIG_IGN);
  static_cast<void>(ignored);
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  std::shared_ptr<Run> run;
  std::optional<Child> child;
  reap_held_children();
  {
    Pipe in;
    Pipe out;
    Pipe err;
    child.emplace(spawn(command, in, out, err), !command.terminal_input);
    const pid_t pid = child->pid();
    const int pidfd = ::pidfd_open(pid, 0);
    if (pidfd < 0) {
      throw failed("no pidfd", errno);
    }
    run = std::make_shared<Run>(executor, in, out, err, pidfd);
  }
  // When this coroutine ends for any reason, the descriptors close, which ends the others.
  const std::shared_ptr<void> closer(nullptr, [run](void*) { run->close(); });
  start(executor, run, feed(run, std::move(command.input)));
  start(executor, run, collect(run, true, command.max_output));
  start(executor, run, collect(run, false, 0));
  start(executor, run, await_exit(run));

  const auto deadline = std::chrono::steady_clock::now() + command.timeout;
  auto until = deadline;
  while (!run->problem && !run->too_much && (!run->exited || run->open_pipes > 0)) {
    run->news.expires_at(until);
    std::error_code woken;
    try {
      co_await run->news.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    } catch (const std::system_error&) {
      throw Error(ErrorCode::cancelled, command.program + " was stopped");
    }
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      throw Error(ErrorCode::cancelled, command.program + " was stopped");
    }
    if (!woken) {
      if (run->exited) {
        break;  // another process holds its pipes
      }
      const auto limit = std::chrono::duration_cast<std::chrono::seconds>(command.timeout);
      const Error late(ErrorCode::timeout,
                       command.program + " did not end within " + std::to_string(limit.count()) + " s");
      throw ChildTimeout(late, std::move(run->result));
    }
    if (run->exited) {
      until = std::min(until, std::chrono::steady_clock::now() + grace_after_exit);
    }
  }
  if (run->problem) {
    throw Error(*run->problem);
  }
  if (run->too_much) {
    throw Error(ErrorCode::rejected,
                command.program + " printed more than " + std::to_string(command.max_output >> 10) + " KiB");
  }
  ChildResult result = std::move(run->result);
  try {
    result.exit_code = child->reap();
  } catch (const Error& error) {
    throw error.within(command.program);
  }
  co_return result;
}

asio::awaitable<ChildResult> run_child_in_turn(Limiter& turns, ChildCommand command) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto turn = co_await turns.enter();
  const ShortTurn short_turn(executor, std::move(turn), std::min(command.timeout / turn_part, longest_turn));
  ChildResult result = co_await run_child(std::move(command));
  co_return result;
}

}  // namespace regsync
