// ScriptedRegistry is a registry on a loopback port that gives the answers of a script and records the requests.
#pragma once

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>

namespace regsync::test {

class ScriptedRegistry {
 public:
  using Script = std::function<std::string(const std::string& request)>;

  explicit ScriptedRegistry(Script script) : script_(std::move(script)), thread_([this] { serve(); }) {}
  ~ScriptedRegistry() {
    stopping_ = true;
    asio::ip::tcp::socket last(io_);
    asio::error_code ignored;
    last.connect(acceptor_.local_endpoint(), ignored);
    last.close(ignored);
    thread_.join();
  }
  ScriptedRegistry(const ScriptedRegistry&) = delete;
  ScriptedRegistry& operator=(const ScriptedRegistry&) = delete;
  ScriptedRegistry(ScriptedRegistry&&) = delete;
  ScriptedRegistry& operator=(ScriptedRegistry&&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  [[nodiscard]] std::string received() const { return received_; }

 private:
  void serve() {
    while (!stopping_) {
      asio::ip::tcp::socket socket = acceptor_.accept();
      std::string request;
      asio::error_code failed;
      while (!failed && request.find("\r\n\r\n") == std::string::npos && !request.starts_with('\x16')) {
        std::array<char, 4096> piece{};
        request.append(piece.data(), socket.read_some(asio::buffer(piece), failed));
      }
      if (!failed && !request.starts_with('\x16')) {  // a TLS client is disconnected
        received_ += request;
        asio::write(socket, asio::buffer("HTTP/1.1 " + script_(request) + "\r\nConnection: close\r\n\r\n"), failed);
      }
    }
  }

  Script script_;
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::string received_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// Makes an answer for such a script.
inline std::string page(const std::string& status, const std::string& body, const std::string& header = "X-None: 1") {
  return status + "\r\n" + header + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace regsync::test
