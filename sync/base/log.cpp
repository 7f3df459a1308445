#include "sync/base/log.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION  // the place in this file says nothing
#include <systemd/sd-journal.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "helper/base/error.hpp"
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

// What the line being written is about. spdlog carries text only; its sinks run inside write(), on the same thread.
thread_local const About* current_about = nullptr;

// To the journal, with fields. (spdlog's own systemd_sink has no way to add any.)
class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit JournalSink(std::string_view program) : identifier_("SYSLOG_IDENTIFIER=" + std::string(program)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    const About about = current_about != nullptr ? *current_about : About{};
    std::array<std::string, 6> fields;
    std::size_t count = 0;
    fields.at(count++) = "MESSAGE=" + std::string(line.payload.data(), line.payload.size());
    fields.at(count++) = "PRIORITY=" + std::to_string(to_syslog_priority(line.level));
    fields.at(count++) = identifier_;
    if (!about.target.empty()) {
      fields.at(count++) = "REGSYNC_TARGET=" + std::string(about.target);
    }
    if (!about.context.empty()) {
      fields.at(count++) = "REGSYNC_CONTEXT=" + std::string(about.context);
    }
    if (!about.name_space.empty()) {
      fields.at(count++) = "REGSYNC_NAMESPACE=" + std::string(about.name_space);
    }
    std::array<iovec, 6> parts{};
    for (std::size_t i = 0; i < count; ++i) {
      parts.at(i) = {fields.at(i).data(), fields.at(i).size()};
    }
    sd_journal_sendv(parts.data(), static_cast<int>(count));
  }
  void flush_() override {}

  std::string identifier_;
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

std::shared_ptr<spdlog::logger> make_stderr_logger(std::string_view program) {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org
  if (no_color != nullptr && *no_color != '\0') {
    sink->set_color_mode(spdlog::color_mode::never);
  }
  auto logger = std::make_shared<spdlog::logger>(std::string(program), std::move(sink));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%-7l%$ %v");
  return logger;
}

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance = make_stderr_logger("regsync");
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
                        : make_stderr_logger(program);
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
  throw Error(ErrorCode::invalid_input, "unknown log level: \"" + std::string(name) + "\"",
              "use debug, info, warning or error");
}

void write(Level level, const About& about, std::string_view message) {
  if (!logger()->should_log(to_spdlog(level))) {
    return;
  }
  // Names and texts come from servers and files: in the journal, too, a line end in one would begin a line of its own.
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
