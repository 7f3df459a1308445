#include "daemon/http/http_server.hpp"

#include <civetweb.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/listen_address.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

// The result of CivetWeb's begin_request that makes it drop the connection at once.
constexpr int forget = -1;

constexpr int not_modified = 304;

std::string_view view_of(const char* text) { return text == nullptr ? std::string_view() : text; }

std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view scheme = "Bearer ";
  return authorization.starts_with(scheme) ? authorization.substr(scheme.size()) : std::string_view();
}

// RFC 9112, 3.2.2: for "GET http://HOST/path", the host of the URL overrides the header.
std::string_view host_of(std::string_view target, std::string_view header) {
  const auto scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) {
    return header;
  }
  const std::string_view rest = target.substr(scheme + 3);
  return rest.substr(0, rest.find('/'));
}

// Disconnects a client that reads slowly, for any size of the answer.
bool send_within(mg_connection* connection, std::string_view body) {
  constexpr auto patience = std::chrono::seconds(10);
  constexpr std::size_t bytes_each_second = 64 * 1024;
  constexpr std::size_t piece = 16 * 1024;
  const auto end = std::chrono::steady_clock::now() + patience + std::chrono::seconds(body.size() / bytes_each_second);
  while (!body.empty() && std::chrono::steady_clock::now() < end) {
    const std::string_view next = body.substr(0, piece);
    if (mg_write(connection, next.data(), next.size()) != static_cast<int>(next.size())) {
      break;
    }
    body.remove_prefix(next.size());
  }
  return body.empty();
}

// Whether the whole answer was sent.
bool send(mg_connection* connection, const HttpAnswer& answer, bool with_body) {
  const auto header = [&](const char* name, const std::string& value) {
    mg_response_header_add(connection, name, value.data(), static_cast<int>(value.size()));
  };
  if (mg_response_header_start(connection, answer.status) != 0) {  // the client asks for another protocol (WebSocket)
    constexpr std::string_view refusal = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    return send_within(connection, refusal);
  }
  if (answer.status != not_modified) {  // a 304 would otherwise change those of the cached answer
    header("Content-Type", answer.type);
    header("Content-Length", std::to_string(answer.body ? answer.body->size() : 0));
  }
  if (!answer.allow.empty()) {
    header("Allow", answer.allow);
  }
  header("Cache-Control", "no-cache");  // the client may keep it, but must revalidate it (ETag)
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
  return !with_body || !answer.body || send_within(connection, *answer.body);
}

std::string ports_of(const std::string& address) {
  return address.starts_with(':') ? "+" + address.substr(1) : address;  // "+": IPv6 and IPv4
}

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

// The errno of binding to this address, which CivetWeb does not report; 0 if it succeeds now.
int bind_fault(const addrinfo& address) {
  const int socket = ::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol);
  if (socket < 0) {
    return errno;
  }
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);  // as CivetWeb does
  const int fault = ::bind(socket, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  ::close(socket);
  return fault;
}

Error cannot_listen(const std::string& what, const ListenAddress& address, const std::string& said) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int unknown =
      ::getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(), address.port.c_str(), &hints, &found);
  if (unknown != 0) {
    return {ErrorCode::invalid_input, what + ::gai_strerror(unknown), "write an address of this machine"};
  }
  const Addresses addresses(found, &::freeaddrinfo);
  switch (bind_fault(*addresses)) {
    case EADDRINUSE:
      return {ErrorCode::invalid_input, what + "another program does", "see which one: ss -ltnp"};
    case EADDRNOTAVAIL:
      return {ErrorCode::invalid_input, what + "no interface of this machine has the address",
              "take one that `ip address` shows"};
    case EACCES:
      return {ErrorCode::invalid_input, what + "a port below 1024 needs a right", "take a port from 1024 on"};
    default:
      return {ErrorCode::invalid_input, what + said};
  }
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const std::string& address, Handler handler) : handler_(std::move(handler)) {
    const ListenAddress parsed = parse_listen_address(address);
    if (!start(ports_of(address)) && !(address.starts_with(':') && start(address.substr(1)))) {  // without IPv6
      throw cannot_listen("cannot listen on " + address + ": ", parsed, problem_);
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
    callbacks.log_message = [](const mg_connection*, const char*) { return 1; };  // about clients that disconnect
    // One request for each connection, so that no idle client holds a thread, and timeouts that disconnect slow
    // clients: hundreds of those are gone before a probe gives up.
    std::array<const char*, 11> options{"listening_ports",
                                        ports.c_str(),
                                        "num_threads",
                                        "64",
                                        "request_timeout_ms",
                                        "1000",
                                        "keep_alive_timeout_ms",
                                        "0",
                                        "enable_auth_domain_check",  // the handler checks host names
                                        "no",
                                        nullptr};
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
      answer = handler_({.method = view_of(info.request_method),
                         .path = view_of(info.local_uri),
                         .host = host_of(view_of(info.request_uri), header("Host")),
                         .none_match = header("If-None-Match"),
                         .bearer = bearer_of(header("Authorization")),
                         .peer_port = info.remote_port,
                         .own_port = info.server_port});
    });
    if (failed) {
      log::error(describe(failed->within("HTTP request")));
      answer = {.status = 500,
                .body = std::make_shared<const std::string>("this cannot be answered; the log of regsyncd says why\n")};
    }
    const bool sent = send(connection, answer, view_of(info.request_method) != "HEAD");
    // No handler reads a body. Otherwise CivetWeb would read it, however slowly it comes.
    const bool has_body = info.content_length > 0 || mg_get_header(connection, "Transfer-Encoding") != nullptr;
    return sent && !has_body ? answer.status : forget;
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
