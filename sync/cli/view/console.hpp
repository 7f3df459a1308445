// The surroundings of a command of `regsync`: streams, terminal, clock and keyring. A test gives its own.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

#include "helper/base/error.hpp"
#include "helper/store/credential_store.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

// Exit codes, the same for every command (diff has kubectl's own).
inline constexpr int exit_done = 0;
inline constexpr int exit_not_as_asked = 1;
inline constexpr int exit_wrong_use = 2;

struct TerminalSize {
  int columns = 80;
  int rows = 24;
};

struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::string program = "regsync";  // or "kubectl regsync", as it was called
  bool in_is_terminal = false;      // may ask
  bool out_is_terminal = false;     // may redraw
  bool err_is_terminal = false;     // shows questions, and how far a sync is
  bool colour = false;              // of out; NO_COLOR is already considered
  std::function<TerminalSize()> terminal_size;
  std::function<WallTime()> now;
  std::function<std::unique_ptr<CredentialStore>(Prompt)> open_store;
  // It never prompts, and what waits for the keyring when the time is over ends with ErrorCode::cancelled.
  std::function<std::shared_ptr<CredentialStore>(std::chrono::milliseconds time)> open_briefly;
  std::function<std::unique_ptr<CredentialStore>()> open_replaced;  // the logins that others have replaced
};

// The person used the command wrongly: exit code 2.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message, const std::string& remedy = {})
      : Error(ErrorCode::invalid_input, message, remedy) {}
};

// What `check` answers about something that the person typed. Throws UsageError where `check` throws Error.
template <typename Check>
auto as_typed(Check check) -> decltype(check()) {
  try {
    return check();
  } catch (const Error& error) {
    throw UsageError(error.message(), error.remedy());
  }
}

}  // namespace regsync::cli
