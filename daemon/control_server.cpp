#include "daemon/control_server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <list>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/coalesced_call.hpp"
#include "helper/base/error.hpp"
#include "sync/base/log.hpp"
#include "sync/control/messages.hpp"

namespace regsync {

namespace {

using asio::local::stream_protocol;
using nlohmann::json;

// A person and a few scripts; far below the limit of file descriptors.
constexpr std::size_t max_connections = 64;

// A live view that redraws more often than this only flickers.
constexpr auto notify_interval = std::chrono::milliseconds(100);

bool is_same_user(stream_protocol::socket& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

std::optional<std::string> target_of(const json& params) {
  const auto target = params.is_object() ? params.find("target") : params.end();
  if (!params.is_object() || target == params.end() || !target->is_string()) {
    return std::nullopt;
  }
  return target->get<std::string>();
}

}  // namespace

class ControlServer::Impl {
 public:
  Impl(asio::any_io_executor executor, const std::filesystem::path& path, Methods methods)
      : executor_(executor),
        methods_(std::move(methods)),
        acceptor_(executor),
        notify_(executor, notify_interval, [this] { changed_.notify_all(); }),
        changed_(executor),
        ended_(executor) {
    listen(path);
    accept();
  }

  ~Impl() {
    if (!made_.empty()) {
      unlink(made_.c_str());
    }
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
    notify_.cancel();
    for (auto& socket : connections_) {
      socket.close(ignored);
    }
  }

  asio::awaitable<void> stop() {
    close();
    while (!connections_.empty()) {
      changed_.notify_all();
      co_await ended_.wait_for(std::chrono::milliseconds(20));
    }
  }

 private:
  void listen(const std::filesystem::path& path) {
    if (sd_listen_fds(1) >= 1) {
      acceptor_.assign(stream_protocol(), SD_LISTEN_FDS_START);
      return;
    }
    std::error_code failed;
    std::filesystem::create_directories(path.parent_path(), failed);
    chmod(path.parent_path().c_str(), S_IRWXU);
    unlink(path.c_str());  // of one that was killed; the instance lock says that nobody else listens
    const auto mask = umask(S_IXUSR | S_IRWXG | S_IRWXO);
    asio::error_code error;
    try {
      acceptor_.open(stream_protocol());
      acceptor_.bind(stream_protocol::endpoint(path.string()), error);
    } catch (const std::exception&) {
      error = asio::error::address_in_use;  // a path that is too long for a socket
    }
    umask(mask);
    if (!error) {
      acceptor_.listen(asio::socket_base::max_listen_connections, error);
    }
    if (error) {
      throw Error(ErrorCode::internal, "cannot listen on " + path.string() + ": " + error.message(),
                  "see whether XDG_RUNTIME_DIR is a short path that you may write to");
    }
    made_ = path;
  }

  void accept() {
    acceptor_.async_accept([this](const asio::error_code& error, stream_protocol::socket socket) {
      if (stopping_ || error == asio::error::operation_aborted) {
        return;
      }
      if (!error && connections_.size() < max_connections && is_same_user(socket)) {
        const auto connection = connections_.emplace(connections_.end(), std::move(socket));
        asio::co_spawn(executor_, serve(*connection), [this, connection](const std::exception_ptr&) {
          connections_.erase(connection);  // whatever ended it, the peer sees the end
          ended_.notify_all();
        });
      }
      accept();
    });
  }

  asio::awaitable<void> serve(stream_protocol::socket& socket) {
    std::string buffer;
    for (;;) {
      const auto size = co_await asio::async_read_until(
          socket, asio::dynamic_buffer(buffer, control::max_request_bytes), '\n', asio::use_awaitable);
      const std::string line = buffer.substr(0, size);
      buffer.erase(0, size);
      co_await answer(socket, line);
    }
  }

  asio::awaitable<void> answer(stream_protocol::socket& socket, std::string line) {
    json id;
    std::string reply;
    try {
      const json request = json::parse(line, nullptr, false);
      if (!request.is_object() || !request.contains("method") || !request["method"].is_string()) {
        throw Error(ErrorCode::protocol, "not a JSON-RPC 2.0 request");
      }
      id = request.value("id", json());
      const json params = request.value("params", json::object());
      const auto method = request["method"].get<std::string>();
      if (method == "subscribe") {
        co_await stream(socket, id, target_of(params));
        co_return;
      }
      const json result = co_await methods_.call(method, params);
      reply = control::make_response(id, result);
    } catch (const Error& error) {
      reply = control::make_error(id, error);
    } catch (const json::exception& error) {
      reply = control::make_error(id, Error(ErrorCode::protocol, error.what()));
    }
    co_await asio::async_write(socket, asio::buffer(reply), asio::use_awaitable);
  }

  asio::awaitable<void> stream(stream_protocol::socket& socket, json id, std::optional<std::string> target) {
    std::string message = control::make_response(id, control::to_json(methods_.status(target)));
    for (;;) {
      co_await asio::async_write(socket, asio::buffer(message), asio::use_awaitable);
      const std::string before = std::move(message);
      do {
        co_await changed_.wait();
        if (stopping_ || !socket.is_open()) {
          co_return;
        }
        message = control::make_notification("status", control::to_json(methods_.status(target)));
      } while (message == before);
    }
  }

  asio::any_io_executor executor_;
  Methods methods_;
  stream_protocol::acceptor acceptor_;
  std::filesystem::path made_;
  std::list<stream_protocol::socket> connections_;
  CoalescedCall notify_;
  bool stopping_ = false;
  AsyncEvent changed_;
  AsyncEvent ended_;
};

ControlServer::ControlServer(asio::any_io_executor executor, const std::filesystem::path& socket, Methods methods)
    : impl_(std::make_unique<Impl>(std::move(executor), socket, std::move(methods))) {}

ControlServer::~ControlServer() = default;

void ControlServer::status_changed() { impl_->status_changed(); }

void ControlServer::close() { impl_->close(); }

asio::awaitable<void> ControlServer::stop() { return impl_->stop(); }

}  // namespace regsync
