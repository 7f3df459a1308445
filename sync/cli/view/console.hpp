// Console is the environment of a `regsync` command: streams, terminal, clock and keyring. Tests make their own.
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
  bool in_is_terminal = false;      // can prompt
  bool out_is_terminal = false;     // can redraw
  bool err_is_terminal = false;     // shows questions and progress
  bool colour = false;              // whether out has colours; takes NO_COLOR into account
  std::function<TerminalSize()> terminal_size;
  std::function<WallTime()> now;
  std::function<std::unique_ptr<CredentialStore>(Prompt)> open_store;
  // The store never prompts. After `time`, a call that waits for the keyring fails with ErrorCode::cancelled.
  std::function<std::shared_ptr<CredentialStore>(std::chrono::milliseconds time)> open_briefly;
  std::function<std::unique_ptr<CredentialStore>()> open_replaced;  // the replaced logins, for rollback
};

// The person used the command wrongly: exit code 2.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message, const std::string& remedy = {})
      : Error(ErrorCode::invalid_input, message, remedy) {}
};

// Returns what `check` returns for user input. Throws UsageError if `check` throws Error.
template <typename Check>
auto as_typed(Check check) -> decltype(check()) {
  try {
    return check();
  } catch (const Error& error) {
    throw UsageError(error.message(), error.remedy());
  }
}

}  // namespace regsync::cli
