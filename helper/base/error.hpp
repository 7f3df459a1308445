// The one error type of regsync.
//
// An Error says what happened and what the person can do about it; its code is what programs act on. Nothing
// compares messages. Errors are thrown inside a coroutine or a call and end at its root, where they become a
// status row, an exit code or a line on stderr. No text of an Error ever holds a secret value.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace regsync {

enum class ErrorCode : std::uint8_t {
  invalid_input,            // what the person or a client gave cannot be used
  not_found,                // what was named in a command or a request does not exist
  file_missing,             // a file that is needed, of a target or of logins, is gone
  already_exists,           // the thing to make is there already
  locked,                   // the keyring is there, and locked: not the same as empty
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
  rejected,                 // HTTP 400/413/422: the API server will never take this
  expired,                  // HTTP 410 in either form: list again
  overloaded,               // HTTP 429
  server_error,             // HTTP 5xx
  protocol,                 // the answer makes no sense
  not_owned,                // the object, or the daemon, is somebody else's; see promise 3 of README
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
  // message: what happened, to what, and why. remedy: what to do next; may be empty. Each becomes one_line(): the name
  // of a file or an object in it cannot begin a line of its own.
  Error(ErrorCode code, const std::string& message, const std::string& remedy = {});

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] const std::string& remedy() const { return remedy_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

  // The server's wish (Retry-After) for the earliest next try.
  [[nodiscard]] std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }
  Error& retry_after(std::chrono::seconds delay) {
    retry_after_ = delay;
    return *this;
  }

  // Equal is what a person would be told the same of: retry_after does not count.
  bool operator==(const Error& other) const {
    return code_ == other.code_ && message_ == other.message_ && remedy_ == other.remedy_;
  }

  // The same error, its message led by what it happened to: "context dev: …".
  [[nodiscard]] Error within(std::string_view subject) const;

 private:
  ErrorCode code_;
  std::string message_;
  std::string remedy_;
  std::optional<std::chrono::seconds> retry_after_;
};

// What a catch (...) holds, or what an exception_ptr (not null) points to, as an Error: other exceptions become
// ErrorCode::internal.
Error current_error();
Error error_of(const std::exception_ptr& failure);

// One line for stderr or a log: the message, and after "; " the remedy.
std::string describe(const Error& error);

}  // namespace regsync
