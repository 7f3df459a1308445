#include "sync/control/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/process_state.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/control/messages.hpp"
#include "sync/control/requests.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Error hung_up() {
  return {ErrorCode::daemon_unreachable, "regsyncd ended the connection without an answer", how_to_read_the_log()};
}

Error stopped(int pid) {
  const std::string process = std::to_string(pid);
  return {ErrorCode::daemon_unreachable, "regsyncd (process " + process + ") is stopped, and answers nothing",
          "let it go on: kill -CONT " + process};
}

// Another user's answers are not trusted, and its ControlServer would refuse this user anyway.
Error of_another_user(const std::filesystem::path& socket, uid_t user) {
  return {ErrorCode::not_owned,
          "regsyncd at " + socket.string() + " is another user's (uid " + std::to_string(user) + ", not " +
              std::to_string(::geteuid()) + ")",
          "run regsync as that user, without sudo or su; or correct XDG_RUNTIME_DIR"};
}

Error deaf(const std::filesystem::path& socket) {
  return {ErrorCode::daemon_unreachable, "whoever listens at " + socket.string() + " accepts no connection",
          how_to_restart_regsyncd()};
}

Error not_running(const std::filesystem::path& socket, int error) {
  return {ErrorCode::daemon_unreachable,
          "regsyncd is not running (" + socket.string() + ": " + std::generic_category().message(error) + ")",
          how_to_start_regsyncd()};
}

// A status may name a million Secrets, so only the depth is limited; the sender is this user's own daemon.
constexpr JsonBounds message_bounds{.bytes = std::numeric_limits<std::size_t>::max(),
                                    .values = std::numeric_limits<std::size_t>::max()};

json parse_line(const std::string& line) {
  auto message = parse_json(line, message_bounds);
  if (!message || !message->is_object()) {
    throw Error(ErrorCode::protocol, "regsyncd answered something that is not a JSON-RPC message");
  }
  return *std::move(message);
}

// Returns the result of a response, or throws its error.
json result_of(json response) {
  if (!response.contains("error")) {
    return response.contains("result") ? std::move(response["result"]) : json::object();
  }
  const std::string message(text_at(response, {"error", "message"}));
  json flat = map_at(response, {"error", "data"});
  if (flat.empty()) {
    throw Error(ErrorCode::protocol, "regsyncd answered: " + message);
  }
  flat["message"] = message;
  throw control::error_from_json(flat);
}

}  // namespace

class ControlClient::Impl {
 public:
  explicit Impl(const std::filesystem::path& socket) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket.string();
    if (fd_ < 0) {
      throw not_running(socket, errno);
    }
    // Limits connect and send, in case the listener does not accept or read.
    const timeval longest{.tv_sec = 3, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof(longest));
    const bool fits = path.size() < sizeof(address.sun_path);
    if (fits) {
      std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    }
    const int connected = fits ? ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) : -1;
    if (connected != 0) {
      const int error = fits ? errno : ENAMETOOLONG;
      ::close(fd_);
      throw error == EAGAIN ? deaf(socket) : not_running(socket, error);
    }
    ucred peer{.pid = 0, .uid = static_cast<uid_t>(-1), .gid = 0};
    socklen_t size = sizeof(peer);
    ::getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    if (peer.uid != ::geteuid()) {
      ::close(fd_);
      throw of_another_user(socket, peer.uid);
    }
    peer_ = peer.pid;
  }
  ~Impl() { ::close(fd_); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  int send_request(std::string_view method, const json& params) {
    const int id = ++last_id_;
    const std::string line = control::make_request(id, method, params);
    std::string_view rest = line;
    while (!rest.empty()) {
      const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) {
        continue;
      }
      if (sent < 0) {
        throw errno == EAGAIN ? Error(ErrorCode::timeout, "regsyncd reads no request", how_to_read_the_log())
                              : hung_up();
      }
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return id;
  }

  enum class Wait { line, timeout, interrupted, input };

  // Reads the next line into `line`. Returns early when `input` is readable. Throws if the listening process stays
  // stopped.
  Wait next_line(std::string& line, Clock::time_point deadline, int input = -1) {
    for (;;) {
      const Wait wait = read_line(line, std::min(deadline, Clock::now() + milliseconds(500)), input);
      const auto now = Clock::now();
      if (wait != Wait::timeout || !is_stopped(peer_)) {
        stopped_since_.reset();
      } else if (!stopped_since_) {
        stopped_since_ = now;
      } else if (now - *stopped_since_ >= stopped_limit) {
        throw stopped(peer_);
      }
      if (wait != Wait::timeout || now >= deadline) {
        return wait;
      }
    }
  }

  // Returns the response to request `id` and skips notifications before it; nullopt if a signal ends the wait.
  std::optional<json> response_to(int id, Clock::time_point deadline, std::string_view method) {
    std::string line;
    for (;;) {
      const Wait wait = next_line(line, deadline);
      if (wait == Wait::interrupted) {
        return std::nullopt;
      }
      if (wait == Wait::timeout) {
        throw stopped_since_
            ? stopped(peer_)
            : Error(ErrorCode::timeout, "regsyncd did not answer \"" + std::string(method) + "\" in time",
                    how_to_read_the_log());
      }
      json message = parse_line(line);
      // An error whose id is null answers a request that the server could not read, which can only be ours.
      if (message.contains("id") && (message["id"] == id || message["id"].is_null())) {
        return result_of(std::move(message));
      }
    }
  }

 private:
  // How long a stopped process may take to continue.
  static constexpr Clock::duration stopped_limit = std::chrono::seconds(3);

  Wait read_line(std::string& line, Clock::time_point deadline, int input) {
    for (;;) {
      if (const auto newline = buffer_.find('\n', searched_); newline != std::string::npos) {
        line = buffer_.substr(0, newline);
        buffer_.erase(0, newline + 1);
        searched_ = 0;
        return Wait::line;
      }
      searched_ = buffer_.size();

      const auto left = std::max<Clock::duration>(deadline - Clock::now(), Clock::duration::zero());
      const auto whole = std::chrono::floor<std::chrono::seconds>(left);
      const timespec timeout{.tv_sec = whole.count(), .tv_nsec = std::chrono::nanoseconds(left - whole).count()};
      sigset_t none;
      sigemptyset(&none);
      std::array<pollfd, 2> readable{pollfd{.fd = fd_, .events = POLLIN, .revents = 0},
                                     pollfd{.fd = input, .events = POLLIN, .revents = 0}};
      const int ready = ::ppoll(readable.data(), readable.size(), &timeout, &none);
      if (ready < 0 && errno == EINTR) {
        return Wait::interrupted;
      }
      if (ready == 0) {
        return Wait::timeout;
      }
      if (readable[1].revents != 0) {
        return Wait::input;
      }

      std::array<char, 65536> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
      const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got <= 0) {
        throw hung_up();
      }
      buffer_.append(bytes.data(), static_cast<std::size_t>(got));
    }
  }

  int fd_;
  int peer_ = 0;  // the listening process: the daemon, or systemd if it made the socket
  std::optional<Clock::time_point> stopped_since_;  // as first observed
  int last_id_ = 0;
  std::string buffer_;        // received, but not yet a complete line
  std::size_t searched_ = 0;  // prefix of buffer_ without a newline
};

ControlClient::ControlClient(const std::filesystem::path& socket) : impl_(std::make_unique<Impl>(socket)) {}
ControlClient::~ControlClient() = default;

json ControlClient::call(std::string_view method, const json& params, milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  const int id = impl_->send_request(method, params);
  for (;;) {
    if (auto result = impl_->response_to(id, deadline, method)) {
      return *std::move(result);
    }
  }
}

void ControlClient::subscribe(const StatusQuery& query, milliseconds repeat,
                              const std::function<bool(const StatusReport&)>& on_report, int input,
                              milliseconds first_answer) {
  const int id = impl_->send_request(control::methods::subscribe, control::to_json(query));
  const std::optional<json> first = impl_->response_to(id, Clock::now() + first_answer, control::methods::subscribe);
  if (!first) {
    return;
  }
  StatusReport report = control::report_from_json(*first);
  std::string line;
  while (on_report(report)) {
    const auto deadline = repeat.count() > 0 ? Clock::now() + repeat : Clock::time_point::max();
    const Impl::Wait wait = impl_->next_line(line, deadline, input);
    if (wait == Impl::Wait::interrupted) {
      return;
    }
    if (wait != Impl::Wait::line) {
      continue;
    }
    json message = parse_line(line);
    if (text_at(message, {"method"}) == control::methods::status) {
      report = control::report_from_json(map_at(message, {"params"}));
    } else {
      result_of(std::move(message));  // the last message: throws the error that ended the subscription
    }
  }
}

}  // namespace regsync
