// Logging: to the journal with fields under systemd, else to stderr. Levels can change at run time.
//
// spdlog does the work; this is the only header of it that the rest includes. A message never holds a secret: what
// is logged are names, codes and Error texts. Any thread.
#pragma once

#include <string_view>

namespace regsync::log {

enum class Level { debug, info, warning, error };

// What a line is about. Stands at its end, and becomes the journal fields REGSYNC_TARGET, REGSYNC_CONTEXT and
// REGSYNC_NAMESPACE.
struct About {
  std::string_view target{};
  std::string_view context{};
  std::string_view name_space{};
};

// Chooses the sink of a service: the journal, else stderr. It drops what nobody reads in time, and says how many lines.
// Until it is called everything goes to stderr, and waits there as long as it takes.
void open(std::string_view program);
void set_level(Level level);
// "debug", "info", "warning", "error"; throws Error(invalid_input) for others.
Level parse_level(std::string_view name);

void write(Level level, const About& about, std::string_view message);
inline void debug(std::string_view message, const About& about = {}) { write(Level::debug, about, message); }
inline void info(std::string_view message, const About& about = {}) { write(Level::info, about, message); }
inline void warning(std::string_view message, const About& about = {}) { write(Level::warning, about, message); }
inline void error(std::string_view message, const About& about = {}) { write(Level::error, about, message); }

}  // namespace regsync::log
