// The one error type of regsync.
//
// An Error says what happened and what the user can do about it. Programs act on its code and never compare messages.
// Errors are thrown inside a coroutine or a call and are caught at its root, where they become a status row, an exit
// code or a line on stderr. No text of an Error ever holds a secret value.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace regsync {

enum class ErrorCode : std::uint8_t {
  invalid_input,            // unusable input from the user or a client
  not_found,                // what was named in a command or a request does not exist
  file_missing,             // a file that a target or the logins need is gone
  already_exists,           // the object to create already exists
  locked,                   // the keyring exists but is locked: not the same as empty
  store_unavailable,        // no session bus, no Secret Service, no default collection
  kubeconfig,               // a kubeconfig, or one context of it, cannot be used
  credential_plugin,        // an exec credential plugin or another credential helper failed
  unreachable,              // no connection: refused, reset, DNS, proxy
  tls,                      // the peer's certificate, or ours, is not accepted
  timeout,                  // no answer in time
  unauthorized,             // HTTP 401
  forbidden,                // HTTP 403 by authorisation; the message names the missing right
  namespace_missing,        // HTTP 404 whose details name a namespace
  namespace_terminating,    // HTTP 403 with cause NamespaceTerminating
  service_account_missing,  // a ServiceAccount that a target names does not exist
  stale,                    // HTTP 409 without causes: somebody wrote since we read, or the object exists
  field_conflict,           // HTTP 409 with FieldManagerConflict causes
  immutable,                // HTTP 422: the type, or an immutable Secret, forbids the change
  rejected,                 // HTTP 400/413/422: the API server will never accept this
  expired,                  // HTTP 410 in either form: list again
  overloaded,               // HTTP 429
  server_error,             // HTTP 5xx
  protocol,                 // the answer is malformed
  not_owned,                // the object or the daemon belongs to somebody else; see promise 3 of README
  login_missing,            // no login for a registry that a target needs
  unusable_login,           // a login that kubelet cannot use
  login_denied,             // a registry refuses a login
  daemon_unreachable,       // regsyncd is not running, or does not answer
  cancelled,                // the work was stopped on purpose
  internal,                 // a defect of regsync
};

// The stable, lower-case name of a code ("namespace_missing"), for JSON, metrics and journal fields.
std::string_view to_string(ErrorCode code);

class Error : public std::exception {
 public:
  // message: what happened, to what, and why. remedy: what to do next; may be empty. Both are passed through
  // one_line(), so that a file or object name in them cannot start a new line.
  Error(ErrorCode code, const std::string& message, const std::string& remedy = {});

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] const std::string& remedy() const { return remedy_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

  // The earliest next attempt that the server asks for (Retry-After).
  [[nodiscard]] std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }
  Error& retry_after(std::chrono::seconds delay) {
    retry_after_ = delay;
    return *this;
  }

  // Compares what the user sees, so it ignores retry_after.
  bool operator==(const Error& other) const {
    return code_ == other.code_ && message_ == other.message_ && remedy_ == other.remedy_;
  }

  // The same error with its message prefixed by the subject: "context dev: …".
  [[nodiscard]] Error within(std::string_view subject) const;

 private:
  ErrorCode code_;
  std::string message_;
  std::string remedy_;
  std::optional<std::chrono::seconds> retry_after_;
};

// Converts the exception being handled, or that of a non-null exception_ptr, to an Error. Other exceptions become
// ErrorCode::internal.
Error current_error();
Error error_of(const std::exception_ptr& failure);

// One line for stderr or a log: the message, then "; " and the remedy.
std::string describe(const Error& error);

}  // namespace regsync
