#include "sync/base/log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/file_descriptor.hpp"
#include "helper/base/text.hpp"

namespace regsync::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

int to_syslog_priority(spdlog::level::level_enum level) {  // syslog(3)
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return 7;
    case spdlog::level::info:
      return 6;
    case spdlog::level::warn:
      return 4;
    default:
      return 3;
  }
}

// The subject of the line being written. spdlog carries only text; its sinks run inside write(), on the same thread.
thread_local const About* current_about = nullptr;

std::string lines_missing(std::uint64_t lines) {
  return "lines that are missing here, because nobody read them in time: " + std::to_string(lines);
}

// Writes to the journal, with fields (systemd.io/JOURNAL_NATIVE_PROTOCOL), without blocking: sd_journal_sendv(3) waits
// for ever if journald is stopped. Lines that it does not accept at once are dropped and counted.
class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit JournalSink(std::string_view program)
      : identifier_(program), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    constexpr int much = 8 * 1024 * 1024;  // the size that libsystemd requests; the kernel may cap it
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &much, sizeof much);
  }

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    if (lost_ > 0 && send(lines_missing(lost_), spdlog::level::warn, About{})) {
      lost_ = 0;
    }
    const About about = current_about != nullptr ? *current_about : About{};
    if (lost_ > 0 || !send(std::string_view(line.payload.data(), line.payload.size()), line.level, about)) {
      ++lost_;
    }
  }
  void flush_() override {}

  // The values contain no line ends: see write().
  [[nodiscard]] bool send(std::string_view message, spdlog::level::level_enum level, const About& about) const {
    std::string entry;
    const auto add = [&](std::string_view field, std::string_view value) {
      if (!value.empty()) {
        entry.append(field).append("=").append(value).append("\n");
      }
    };
    add("MESSAGE", message);
    add("PRIORITY", std::to_string(to_syslog_priority(level)));
    add("SYSLOG_IDENTIFIER", identifier_);
    add("REGSYNC_TARGET", about.target);
    add("REGSYNC_CONTEXT", about.context);
    add("REGSYNC_NAMESPACE", about.name_space);
    constexpr std::string_view path = "/run/systemd/journal/socket";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    return ::sendto(socket_.get(), entry.data(), entry.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&address), sizeof address) >= 0;
  }

  const std::string identifier_;
  const FileDescriptor socket_;
  std::uint64_t lost_ = 0;
};

// Stderr, opened for one line. A stopped terminal polls as writable but still blocks, so it needs O_NONBLOCK; it is
// opened again, because that flag would affect every program that shares the open file.
class Stderr {
 public:
  Stderr() : terminal_(::isatty(STDERR_FILENO) == 0 ? -1 : ::open("/proc/self/fd/2", flags)) {}
  ~Stderr() {
    if (terminal_ >= 0) {
      ::close(terminal_);
    }
  }
  Stderr(const Stderr&) = delete;
  Stderr& operator=(const Stderr&) = delete;
  Stderr(Stderr&&) = delete;
  Stderr& operator=(Stderr&&) = delete;

  // Returns the number of bytes written, or -1 if it would block.
  [[nodiscard]] ssize_t write(std::string_view text) const {
    // A writable pipe accepts at least this much without blocking, and possibly no more.
    constexpr std::size_t taken_at_once = 256;
    const int fd = terminal_ >= 0 ? terminal_ : STDERR_FILENO;
    pollfd stream{.fd = fd, .events = POLLOUT, .revents = 0};
    const bool writable = ::poll(&stream, 1, 0) == 1 && (stream.revents & POLLOUT) != 0;
    return writable ? ::write(fd, text.data(), std::min(text.size(), taken_at_once)) : -1;
  }

 private:
  static constexpr int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  int terminal_;
};

// Writes to stderr without blocking: a FIFO whose reader does not read, or a stopped terminal (Ctrl-S), would otherwise
// block the event loop. Lines that cannot be written at once are dropped and counted.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StderrSink(bool coloured) : coloured_(coloured) {}

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    if (lost_ > 0) {
      const std::string notice = lines_missing(lost_);
      if (write(formatted({line.time, {}, line.logger_name, spdlog::level::warn, notice}))) {
        lost_ = 0;
      }
    }
    if (lost_ > 0 || !write(formatted(line))) {
      ++lost_;
    }
  }
  void flush_() override {}

  std::string formatted(const spdlog::details::log_msg& line) {
    spdlog::memory_buf_t buffer;
    formatter_->format(line, buffer);
    std::string text(buffer.data(), buffer.size());
    if (coloured_ && line.color_range_end > line.color_range_start) {
      text.insert(line.color_range_end, "\x1b[m");
      text.insert(line.color_range_start, colour_of(line.level));
    }
    return text;
  }

  static std::string_view colour_of(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::warn:
        return "\x1b[33m\x1b[1m";
      case spdlog::level::err:
        return "\x1b[31m\x1b[1m";
      case spdlog::level::info:
        return "\x1b[32m";
      default:
        return "\x1b[36m";
    }
  }

  // False if it would block; a part may have been written then.
  bool write(std::string_view text) {
    const Stderr stream;
    const std::string whole = std::string(torn_ ? "\n" : "").append(text);
    for (std::string_view rest = whole; !rest.empty();) {
      const ssize_t written = stream.write(rest);
      if (written < 0) {
        torn_ = torn_ || rest.size() < whole.size();
        return false;
      }
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    torn_ = false;
    return true;
  }

  bool coloured_;
  bool torn_ = false;  // the last line has no end
  std::uint64_t lost_ = 0;
};

// systemd.exec(5), $JOURNAL_STREAM: device and inode of the journal's stream, so that a redirected stderr is noticed.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) {
    return false;
  }
  return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

bool is_colour_refused() {
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org
  return no_color != nullptr && *no_color != '\0';
}

std::shared_ptr<spdlog::sinks::sink> make_waiting_sink() {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  if (is_colour_refused()) {
    sink->set_color_mode(spdlog::color_mode::never);
  }
  return sink;
}

std::shared_ptr<spdlog::sinks::sink> make_sink_without_waiting() {
  return std::make_shared<StderrSink>(!is_colour_refused() && ::isatty(STDERR_FILENO) != 0 &&
                                      spdlog::details::os::is_color_terminal());
}

std::shared_ptr<spdlog::logger> make_stderr_logger(std::string_view program,
                                                   std::shared_ptr<spdlog::sinks::sink> sink) {
  auto logger = std::make_shared<spdlog::logger>(std::string(program), std::move(sink));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%-7l%$ %v");
  return logger;
}

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance = make_stderr_logger("regsync", make_waiting_sink());
  return instance;
}

std::string with_about(std::string_view message, const About& about) {
  std::string line(message);
  std::string_view separator = " [";
  const auto add = [&](std::string_view key, std::string_view value) {
    if (value.empty()) {
      return;
    }
    line.append(separator).append(key).append(value);
    separator = " ";
  };
  add("target=", about.target);
  add("context=", about.context);
  add("namespace=", about.name_space);
  if (separator == " ") {
    line += ']';
  }
  return line;
}

bool to_journal = false;

}  // namespace

void open(std::string_view program) {
  const spdlog::level::level_enum level = logger()->level();
  to_journal = stderr_is_journal();
  logger() = to_journal ? std::make_shared<spdlog::logger>(std::string(program), std::make_shared<JournalSink>(program))
                        : make_stderr_logger(program, make_sink_without_waiting());
  logger()->set_level(level);
}

void set_level(Level level) { logger()->set_level(to_spdlog(level)); }

Level parse_level(std::string_view name) {
  if (name == "debug") {
    return Level::debug;
  }
  if (name == "info") {
    return Level::info;
  }
  if (name == "warning") {
    return Level::warning;
  }
  if (name == "error") {
    return Level::error;
  }
  throw Error(ErrorCode::invalid_input, "unknown log level: \"" + presentable(name) + "\"",
              "use debug, info, warning or error");
}

void write(Level level, const About& about, std::string_view message) {
  if (!logger()->should_log(to_spdlog(level))) {
    return;
  }
  // Names and texts come from servers and files: a line end in one would start a new line, in the journal, too.
  const std::array clean{one_line(about.target), one_line(about.context), one_line(about.name_space),
                         one_line(message)};
  const About cleaned{clean[0], clean[1], clean[2]};
  if (to_journal) {
    current_about = &cleaned;
    logger()->log(to_spdlog(level), with_about(clean[3], cleaned));
    current_about = nullptr;
  } else {
    logger()->log(to_spdlog(level), with_about(clean[3], cleaned));
  }
}

}  // namespace regsync::log
