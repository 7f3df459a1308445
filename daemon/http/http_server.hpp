// HttpServer is a small HTTP/1.1 server: CivetWeb, which is part of prometheus-cpp, with one handler. It serves no
// files.
//
// Constructed on the io_context thread; its own threads call the handler.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace regsync {

// A request without its body, which no handler needs. Its views are valid during the call of the handler.
struct HttpRequest {
  std::string_view method = "GET";
  std::string_view path = "/";
  std::string_view host = {};        // as sent; empty if missing
  std::string_view none_match = {};  // If-None-Match
  std::string_view bearer = {};      // the token of "Authorization: Bearer TOKEN"
  int peer_port = 0;
  int own_port = 0;
};

struct HttpAnswer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::shared_ptr<const std::string> body = {};  // null: none
  std::string etag = {};                         // quoted; empty: none
  std::string policy = {};                       // Content-Security-Policy; empty: nothing may be loaded
  std::string allow = {};                        // the Allow header; empty: none
};

class HttpServer {
 public:
  // Called on several threads at once. An exception is answered with 500.
  using Handler = std::function<HttpAnswer(const HttpRequest&)>;

  // Listens on an address that parse_listen_address() accepts. Throws Error(invalid_input) if it cannot.
  HttpServer(const std::string& address, Handler handler);
  // Waits for running handlers to end.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  HttpServer(HttpServer&&) = delete;
  HttpServer& operator=(HttpServer&&) = delete;

  [[nodiscard]] int port() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
