#include "daemon/control_server.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <list>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "daemon/paced.hpp"
#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "sync/base/coalesced_call.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/base/task_group.hpp"
#include "sync/control/messages.hpp"
#include "sync/control/requests.hpp"

namespace regsync {

namespace {

using asio::local::stream_protocol;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

// Enough for a person and a few scripts, and far below the limit of file descriptors.
constexpr std::size_t max_connections = 64;

// At that limit, a connection that has waited this long for its client (which sent half a line, or does not read) is
// closed to make room.
constexpr auto client_patience = std::chrono::seconds(10);

// A live view that redraws more often than this only flickers.
constexpr auto notify_interval = std::chrono::milliseconds(100);

// No event reports that the socket can be made now.
constexpr auto listen_pause = std::chrono::seconds(2);

// The pause after accept failed for lack of descriptors or memory: short for a person, and long enough to cost nothing.
constexpr auto accept_pause = std::chrono::milliseconds(200);

bool is_same_user(stream_protocol::socket& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

// JSON-RPC 2.0, section 4: a string, a number or null. (Anything else would be copied into the answer, however deep.)
json id_of(const json& request) {
  const json* id = find_at(request, {"id"});
  return id != nullptr && (id->is_string() || id->is_number()) ? *id : json();
}

Error too_many_clients() {
  return {ErrorCode::overloaded, "regsyncd serves " + std::to_string(max_connections) + " clients already",
          "end some of them: commands that run with --watch, or that were stopped with Ctrl-Z"};
}

Error too_many_files() {
  return {ErrorCode::overloaded, "regsyncd has no file descriptor left", "raise LimitNOFILE= of regsyncd.service"};
}

}  // namespace

class ControlServer::Impl {
 public:
  Impl(asio::any_io_executor executor, std::filesystem::path path, int inherited, Methods methods)
      : executor_(executor),
        methods_(std::move(methods)),
        acceptor_(executor),
        pause_(executor),
        path_(std::move(path)),
        inherited_(inherited),
        notify_(executor, notify_interval, "control socket", [this] { tell_of_change(); }),
        changed_(executor),
        tasks_(executor) {
    try_to_listen();
    tasks_.spawn(accept(), [this](const std::optional<Error>& problem) { coroutine_ended(problem, "control socket"); });
  }

  ~Impl() {
    if (!made_.empty()) {
      unlink(made_.c_str());
    }
    close_reserve();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  void status_changed() { notify_.ask(); }

  void close() {
    stopping_ = true;
    asio::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    notify_.cancel();
    for (auto& connection : connections_) {
      connection.socket.close(ignored);
    }
  }

  asio::awaitable<void> stop() {
    close();
    changed_.notify_all();  // later waiters see stopping_
    co_await tasks_.ended();
  }

 private:
  void tell_of_change() {
    ++changes_;  // for streams that are not waiting now
    changed_.notify_all();
  }

  // Does not throw: with an unusable folder, `regsync` gets no answers, but syncing continues.
  void try_to_listen() {
    auto problem = guarded([this] { listen(path_); });
    if (problem) {
      asio::error_code ignored;
      acceptor_.close(ignored);
    }
    if (problem && problem != problem_) {
      log::error(describe(problem->within("the control socket is not available; retrying")));
    }
    problem_ = std::move(problem);
  }

  void listen(const std::filesystem::path& path) {
    if (inherited_ >= 0) {
      acceptor_.assign(stream_protocol(), std::exchange(inherited_, -1));
      if (is_reachable()) {
        return;
      }
      log::info("the socket that systemd made has no path any more; making another one: " + path.string());
      acceptor_.close();
    }
    try {
      acceptor_.open(stream_protocol());
      make_private_folder(path.parent_path());
      unlink(path.c_str());  // left by a killed process; the instance lock ensures that no other listens
      ::fchmod(acceptor_.native_handle(), S_IRUSR | S_IWUSR);  // bind creates the file with the socket's mode
      acceptor_.bind(stream_protocol::endpoint(path.string()));
      acceptor_.listen(asio::socket_base::max_listen_connections);
    } catch (const std::system_error& error) {
      if (error.code().value() == EMFILE || error.code().value() == ENFILE) {
        throw too_many_files().within("cannot listen on " + path.string());
      }
      throw Error(ErrorCode::internal, "cannot listen on " + path.string() + ": " + error.code().message(),
                  "see whether XDG_RUNTIME_DIR is a short path that you may write to");
    }
    made_ = path;
  }

  // Whether a client that connects to the path of systemd's socket reaches it. A regsyncd started by hand takes over
  // that path and removes it at its end; systemd then keeps listening on a socket without a path.
  bool is_reachable() {
    stream_protocol::socket client(executor_, stream_protocol());
    client.non_blocking(true);  // a full backlog (EAGAIN) means that clients reach it
    asio::error_code error;
    client.connect(acceptor_.local_endpoint(), error);
    return error.value() != ENOENT && error.value() != ECONNREFUSED;
  }

  asio::awaitable<void> accept() {
    while (!stopping_) {
      asio::error_code error;
      if (problem_) {
        pause_.expires_after(listen_pause);
        co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
        if (!stopping_) {
          try_to_listen();
        }
        continue;
      }
      stream_protocol::socket socket =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (!stopping_ && !error) {
        guarded_logged("control socket", [&] { admit(std::move(socket)); });
      } else if (!stopping_) {
        turn_one_away();
        pause_.expires_after(accept_pause);
        co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
      }
    }
  }

  // With every descriptor in use, the waiting client could not even be refused, and accept would fail again at once. A
  // reserved descriptor makes the refusal possible.
  void turn_one_away() {
    close_reserve();
    asio::error_code error;
    acceptor_.non_blocking(true, error);
    stream_protocol::socket socket(executor_);
    acceptor_.accept(socket, error);
    if (!error) {
      refuse(socket, too_many_files());
    }
    socket.close(error);
    reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

  void close_reserve() {
    if (reserve_ >= 0) {
      ::close(std::exchange(reserve_, -1));
    }
  }

  struct Connection {
    stream_protocol::socket socket;
    std::optional<Clock::time_point> waits_since = {};  // since it waits for its client to send or to read
  };

  // Runs `step`, which ends when the client has sent or read something.
  template <typename T>
  static asio::awaitable<T> wait_for_client(Connection& connection, asio::awaitable<T> step) {
    connection.waits_since = Clock::now();
    T result = co_await std::move(step);
    connection.waits_since.reset();
    co_return result;
  }

  // Whether there is room for one more; may close a connection to make room.
  bool has_room() {
    if (connections_.size() < max_connections) {
      return true;
    }
    static constexpr auto never = Clock::time_point::max();
    const auto longest =
        std::ranges::min_element(connections_, {}, [](const auto& one) { return one.waits_since.value_or(never); });
    if (!longest->waits_since || Clock::now() - *longest->waits_since < client_patience) {
      return false;
    }
    asio::error_code ignored;
    longest->socket.close(ignored);  // its coroutine ends
    longest->waits_since.reset();
    return true;
  }

  static void refuse(stream_protocol::socket& socket, const Error& why) {
    asio::error_code ignored;
    socket.non_blocking(true, ignored);
    const std::string line = control::make_error(json(), why);
    socket.write_some(asio::buffer(line), ignored);
  }

  void admit(stream_protocol::socket socket) {
    if (!is_same_user(socket)) {
      return;
    }
    if (!has_room()) {
      refuse(socket, too_many_clients());
      return;
    }
    const auto connection = connections_.insert(connections_.end(), Connection{std::move(socket)});
    tasks_.spawn(serve(*connection), [this, connection](const std::optional<Error>& problem) {
      connections_.erase(connection);  // closes the socket in every case
      coroutine_ended(problem, "control connection");
    });
  }

  void coroutine_ended(const std::optional<Error>& problem, std::string_view what) const {
    if (problem && problem->code() != ErrorCode::cancelled && !stopping_) {
      log::error(describe(problem->within(what)));
    }
  }

  asio::awaitable<void> serve(Connection& connection) {
    using asio::experimental::awaitable_operators::operator||;
    std::string buffer;
    for (;;) {
      asio::error_code ended;
      const std::size_t size = co_await wait_for_client(
          connection,
          asio::async_read_until(connection.socket, asio::dynamic_buffer(buffer, control::max_request_bytes), '\n',
                                 asio::redirect_error(asio::use_awaitable, ended)));
      if (ended) {
        co_return;
      }
      const std::string line = buffer.substr(0, size);
      buffer.erase(0, size);
      const auto first = co_await (answer(connection, line) || hang_up(connection.socket));
      if (first.index() == 1) {
        co_return;
      }
    }
  }

  // Returns when the peer has closed the connection. (A peer that has only shut down its writing side still reads.)
  static asio::awaitable<void> hang_up(stream_protocol::socket& socket) {
    asio::error_code ended;
    co_await socket.async_wait(stream_protocol::socket::wait_error, asio::redirect_error(asio::use_awaitable, ended));
  }

  asio::awaitable<void> answer(Connection& connection, std::string line) {
    const std::optional<json> request = parse_json(line);
    const std::string method = request ? std::string(text_at(*request, {"method"})) : std::string();
    const json id = request ? id_of(*request) : json();
    std::string reply;
    try {
      if (method.empty()) {
        throw Error(ErrorCode::protocol, "not a JSON-RPC 2.0 request");
      }
      const json params = map_at(*request, {"params"});
      if (method == control::methods::subscribe) {
        co_await stream(connection, id, params);
        co_return;
      }
      const json result = co_await methods_.call(method, params);
      reply = control::make_response(id, result);
    } catch (const std::exception&) {
      reply = control::make_error(id, current_error());
    }
    co_await write(connection, reply);
  }

  // A slow, stopped or closed reader delays or ends only this connection.
  static asio::awaitable<bool> write(Connection& connection, const std::string& message) {
    asio::error_code ended;
    co_await wait_for_client(connection, asio::async_write(connection.socket, asio::buffer(message),
                                                           asio::redirect_error(asio::use_awaitable, ended)));
    co_return !ended;
  }

  // Makes reports on the shared thread: after a slow one (a second for over a hundred thousand Secrets), a subscriber
  // waits in proportion.
  asio::awaitable<void> stream(Connection& connection, json id, json params) {
    asio::steady_timer rest(executor_);
    std::string told;
    for (;;) {
      const std::uint64_t seen = changes_;
      const auto begin = Clock::now();
      std::string message = told.empty()
                                ? control::make_response(id, methods_.status(params))
                                : control::make_notification(control::methods::status, methods_.status(params));
      rest.expires_after(rest_after_making * (Clock::now() - begin));
      if (message != told) {
        told = std::move(message);
        const bool written = co_await write(connection, told);
        if (!written) {
          co_return;
        }
      }
      co_await rest.async_wait(asio::use_awaitable);
      while (seen == changes_ && !stopping_ && connection.socket.is_open()) {
        co_await changed_.wait();
      }
      if (stopping_ || !connection.socket.is_open()) {
        co_return;
      }
    }
  }

  asio::any_io_executor executor_;
  Methods methods_;
  stream_protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  int reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const std::filesystem::path path_;
  int inherited_;  // the socket that systemd made; -1: none, or already used
  std::filesystem::path made_;
  std::optional<Error> problem_;  // why no client can connect
  std::list<Connection> connections_;
  CoalescedCall notify_;
  bool stopping_ = false;
  std::uint64_t changes_ = 0;
  AsyncEvent changed_;
  TaskGroup tasks_;
};

ControlServer::ControlServer(asio::any_io_executor executor, const std::filesystem::path& socket, int inherited,
                             Methods methods)
    : impl_(std::make_unique<Impl>(std::move(executor), socket, inherited, std::move(methods))) {}

ControlServer::~ControlServer() = default;

void ControlServer::status_changed() { impl_->status_changed(); }

void ControlServer::close() { impl_->close(); }

asio::awaitable<void> ControlServer::stop() { return impl_->stop(); }

}  // namespace regsync
