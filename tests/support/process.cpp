#include "tests/support/process.hpp"

#include <linux/close_range.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <tuple>
#include <utility>

namespace regsync::test {
namespace {

[[noreturn]] void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

int memory_file(const char* name, std::string_view content) {
  const int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) {
    throw_errno("memfd_create");
  }
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0) {
      throw_errno("write");
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  lseek(fd, 0, SEEK_SET);
  return fd;
}

std::string content_of(int fd) {
  std::string content;
  std::array<char, 65536> part{};
  ssize_t size = 0;
  while ((size = pread(fd, part.data(), part.size(), static_cast<off_t>(content.size()))) > 0) {
    content.append(part.data(), static_cast<std::size_t>(size));
  }
  return content;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (auto& string : strings) {
    result.push_back(string.data());
  }
  result.push_back(nullptr);
  return result;
}

}  // namespace

Environment own_environment() {
  Environment result;
  for (char* const* entry = environ; *entry != nullptr; ++entry) {
    const std::string_view line = *entry;
    const auto equals = line.find('=');
    result.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return result;
}

Environment sandbox(const TempDir& home) {
  const auto run = home / "run";
  std::filesystem::create_directories(run);
  std::filesystem::permissions(run, std::filesystem::perms::owner_all);
  Environment result{
      {"HOME", home.path().string()},
      {"XDG_CONFIG_HOME", (home / ".config").string()},
      {"XDG_STATE_HOME", (home / ".local/state").string()},
      {"XDG_DATA_HOME", (home / ".local/share").string()},
      {"XDG_CACHE_HOME", (home / ".cache").string()},
      {"XDG_RUNTIME_DIR", run.string()},
      {"LANG", "C.UTF-8"},
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
  };
  // The options of sanitizers and the CI variable apply to children too.
  for (const char* name : {"PATH", "CI", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name); value != nullptr) {
      result[name] = value;
    }
  }
  return result;
}

Process::Process(const Program& program) : out_(memory_file("stdout", {})), err_(memory_file("stderr", {})) {
  auto arguments = program.argv;
  std::vector<std::string> variables;
  for (const auto& [name, value] : program.env) {
    variables.push_back(name + "=" + value);
  }
  auto argv = pointers(arguments);
  auto envp = pointers(variables);
  const std::string directory = program.directory.string();
  const int in = memory_file("stdin", program.in);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) {
    throw_errno("fork");
  }
  if (pid_ == 0) {  // only async-signal-safe calls from here to exec: the parent may have threads
    const bool on_terminal = program.terminal >= 0;
    if (on_terminal) {
      setsid();
      ioctl(program.terminal, TIOCSCTTY, 0);
    } else {
      setpgid(0, 0);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
      _exit(127);
    }
    dup2(on_terminal ? program.terminal : in, STDIN_FILENO);
    dup2(on_terminal ? program.terminal : out_, STDOUT_FILENO);
    dup2(on_terminal ? program.terminal : err_, STDERR_FILENO);
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (directory.empty() || chdir(directory.c_str()) == 0) {
      environ = envp.data();
      execvp(argv[0], argv.data());
    }
    constexpr std::string_view message = "cannot be executed: ";
    std::ignore = write(STDERR_FILENO, message.data(), message.size());
    std::ignore = write(STDERR_FILENO, arguments[0].data(), arguments[0].size());
    _exit(127);
  }
  close(in);
  if (program.terminal < 0) {  // a group leader cannot start a session
    setpgid(pid_, pid_);       // here as well, so that it holds before the first kill(-pid)
  }
  pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pid_fd_ < 0) {
    throw_errno("pidfd_open");
  }
}

Process::~Process() {
  kill(-pid_, SIGKILL);  // including children that outlived it
  if (!exit_code_) {
    kill(pid_, SIGKILL);  // on a terminal it may not lead its group yet
    waitpid(pid_, nullptr, 0);
  }
  close(pid_fd_);
  close(out_);
  close(err_);
}

void Process::signal(int number) const {
  if (!exit_code_) {
    kill(pid_, number);
  }
}

std::optional<int> Process::wait(std::chrono::milliseconds time) {
  if (exit_code_) {
    return exit_code_;
  }
  pollfd ended{.fd = pid_fd_, .events = POLLIN, .revents = 0};
  if (poll(&ended, 1, static_cast<int>(time.count())) <= 0) {
    return std::nullopt;
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

std::string Process::out() const { return content_of(out_); }
std::string Process::err() const { return content_of(err_); }

bool process_runs(pid_t pid) {
  std::error_code gone;  // the link of a process that has ended, collected or not, cannot be read
  return !std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", gone).empty();
}

Outcome run_program(const Program& program, std::chrono::milliseconds time) {
  Process process(program);
  const int exit_code = process.wait(time).value_or(-1);
  return {.exit_code = exit_code, .out = process.out(), .err = process.err()};
}

}  // namespace regsync::test
