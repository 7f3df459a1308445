#include "daemon/http/http_server.hpp"

#include <civetweb.h>

#include <array>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/guard.hpp"

namespace regsync {

namespace {

constexpr std::size_t max_body = 1024;

std::string_view view_of(const char* text) { return text == nullptr ? std::string_view() : text; }

std::string read_body(mg_connection* connection) {
  std::string body(max_body, '\0');
  const int size = mg_read(connection, body.data(), body.size());
  body.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return body;
}

void send(mg_connection* connection, const HttpAnswer& answer, bool with_body) {
  const auto header = [&](const char* name, const std::string& value) {
    mg_response_header_add(connection, name, value.data(), static_cast<int>(value.size()));
  };
  if (mg_response_header_start(connection, answer.status) != 0) {  // it asks for another protocol: a WebSocket
    constexpr std::string_view refusal = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    mg_write(connection, refusal.data(), refusal.size());
    return;
  }
  header("Content-Type", answer.type);
  header("Content-Length", std::to_string(answer.body ? answer.body->size() : 0));
  header("Cache-Control", "no-cache");  // kept by the client, and asked for each time: ETag
  if (!answer.etag.empty()) {
    header("ETag", answer.etag);
  }
  header("Content-Security-Policy",
         answer.policy.empty() ? "default-src 'none'; frame-ancestors 'none'" : answer.policy);
  header("X-Content-Type-Options", "nosniff");
  header("X-Frame-Options", "DENY");
  header("Referrer-Policy", "no-referrer");
  header("Cross-Origin-Resource-Policy", "same-origin");
  header("Cross-Origin-Opener-Policy", "same-origin");
  mg_response_header_send(connection);
  if (with_body && answer.body) {
    mg_write(connection, answer.body->data(), answer.body->size());
  }
}

std::string ports_of(const std::string& address) {
  return address.starts_with(':') ? "+" + address.substr(1) : address;  // "+": IPv6 and IPv4
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const std::string& address, Handler handler) : handler_(std::move(handler)) {
    if (!start(ports_of(address)) && !(address.starts_with(':') && start(address.substr(1)))) {  // no IPv6 here
      throw Error(ErrorCode::invalid_input, "cannot listen on " + address + ": " + problem_,
                  "see which program listens there: ss -ltnp");
    }
  }

  ~Impl() { mg_stop(context_); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  [[nodiscard]] int port() const {
    mg_server_port port{};
    return mg_get_server_ports(context_, 1, &port) == 1 ? port.port : 0;
  }

 private:
  bool start(const std::string& ports) {
    mg_callbacks callbacks{};
    callbacks.begin_request = [](mg_connection* connection) {
      const auto* server = static_cast<const Impl*>(mg_get_user_data(mg_get_context(connection)));
      return server->serve(connection);
    };
    callbacks.log_message = [](const mg_connection*, const char*) { return 1; };  // of clients that hang up
    // A connection for each request, so that no idle client holds a thread; and a slow one is cut off.
    std::array<const char*, 9> options{
        "listening_ports",       ports.c_str(), "num_threads", "16", "request_timeout_ms", "2000",
        "keep_alive_timeout_ms", "0",           nullptr};
    std::array<char, 256> text{};
    unsigned code = 0;
    mg_error_data error{.code = &code, .text = text.data(), .text_buffer_size = text.size()};
    mg_init_data init{.callbacks = &callbacks, .user_data = this, .configuration_options = options.data()};
    context_ = mg_start2(&init, &error);
    problem_ = text.data();
    return context_ != nullptr;
  }

  int serve(mg_connection* connection) const {
    const mg_request_info& info = *mg_get_request_info(connection);
    HttpAnswer answer;
    const auto failed = guarded([&] {
      const auto header = [&](const char* name) { return view_of(mg_get_header(connection, name)); };
      const std::string body = view_of(info.request_method) == "POST" ? read_body(connection) : std::string();
      answer = handler_({.method = view_of(info.request_method),
                         .path = view_of(info.local_uri),
                         .host = header("Host"),
                         .none_match = header("If-None-Match"),
                         .authorization = header("Authorization"),
                         .body = body,
                         .peer_port = info.remote_port,
                         .own_port = info.server_port});
    });
    if (failed) {
      log::error(describe(failed->within("HTTP request")));
      answer = {.status = 500};
    }
    send(connection, answer, view_of(info.request_method) != "HEAD");
    return answer.status;
  }

  Handler handler_;
  mg_context* context_ = nullptr;
  std::string problem_;
};

HttpServer::HttpServer(const std::string& address, Handler handler)
    : impl_(std::make_unique<Impl>(address, std::move(handler))) {}

HttpServer::~HttpServer() = default;

int HttpServer::port() const { return impl_->port(); }

}  // namespace regsync
