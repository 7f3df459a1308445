// Logging: to the journal with fields under systemd, otherwise to stderr. The level can change at run time.
//
// Implemented with spdlog, which no other code includes. A message never holds a secret: only names, codes and Error
// texts are logged. Any thread.
#pragma once

#include <string_view>

namespace regsync::log {

enum class Level { debug, info, warning, error };

// The subject of a line. Appended to the line, and sent as the journal fields REGSYNC_TARGET, REGSYNC_CONTEXT and
// REGSYNC_NAMESPACE.
struct About {
  std::string_view target{};
  std::string_view context{};
  std::string_view name_space{};
};

// Selects the sink of a service: the journal, or else stderr. It drops lines that are not read in time, and reports how
// many. Before this call, everything goes to stderr with blocking writes.
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
