#include "helper/base/error.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <typeinfo>

#include "helper/base/text.hpp"

namespace regsync {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_input:
      return "invalid_input";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::file_missing:
      return "file_missing";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::locked:
      return "locked";
    case ErrorCode::store_unavailable:
      return "store_unavailable";
    case ErrorCode::kubeconfig:
      return "kubeconfig";
    case ErrorCode::credential_plugin:
      return "credential_plugin";
    case ErrorCode::unreachable:
      return "unreachable";
    case ErrorCode::tls:
      return "tls";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::unauthorized:
      return "unauthorized";
    case ErrorCode::forbidden:
      return "forbidden";
    case ErrorCode::namespace_missing:
      return "namespace_missing";
    case ErrorCode::namespace_terminating:
      return "namespace_terminating";
    case ErrorCode::service_account_missing:
      return "service_account_missing";
    case ErrorCode::stale:
      return "stale";
    case ErrorCode::field_conflict:
      return "field_conflict";
    case ErrorCode::immutable:
      return "immutable";
    case ErrorCode::rejected:
      return "rejected";
    case ErrorCode::expired:
      return "expired";
    case ErrorCode::overloaded:
      return "overloaded";
    case ErrorCode::server_error:
      return "server_error";
    case ErrorCode::protocol:
      return "protocol";
    case ErrorCode::not_owned:
      return "not_owned";
    case ErrorCode::login_missing:
      return "login_missing";
    case ErrorCode::unusable_login:
      return "unusable_login";
    case ErrorCode::login_denied:
      return "login_denied";
    case ErrorCode::daemon_unreachable:
      return "daemon_unreachable";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

Error::Error(ErrorCode code, const std::string& message, const std::string& remedy)
    : code_(code), message_(one_line(message)), remedy_(one_line(remedy)) {}

Error Error::within(std::string_view subject) const {
  Error led = *this;
  led.message_ = one_line(subject) + ": " + message_;
  return led;
}

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::filesystem::filesystem_error& error) {
    const Error why(ErrorCode::internal, error.code().message());
    return error.path1().empty() ? why : why.within(error.path1().string());
  } catch (const std::system_error& error) {
    // Asio reports cancellation this way. Compare the number: the error category of standalone Asio 1.22 uses errno
    // values, but does not compare equal to std::errc.
    const bool cancelled = error.code().value() == ECANCELED;
    return {cancelled ? ErrorCode::cancelled : ErrorCode::internal, error.code().message()};
  } catch (const std::exception& error) {
    // Leave out what(): a parser's exception quotes its input, which may be secret.
    return {ErrorCode::internal, std::string("unexpected exception ") + typeid(error).name(),
            "please report it, with the steps that led to it"};
  } catch (...) {
    return {ErrorCode::internal, "an exception of unknown type"};
  }
}

Error error_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (...) {
    return current_error();
  }
}

std::string describe(const Error& error) {
  return error.remedy().empty() ? error.message() : error.message() + "; " + error.remedy();
}

}  // namespace regsync
