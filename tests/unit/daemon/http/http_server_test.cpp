#include "daemon/http/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <memory>
#include <string>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

HttpAnswer answer_to(const HttpRequest& request) {
  const auto body = std::make_shared<const std::string>(std::string(request.path) + " of " + std::string(request.host));
  if (request.path == "/defect") {
    throw Error(ErrorCode::internal, "a defect");
  }
  if (request.method != "GET") {
    return {.status = 405, .body = body, .allow = "GET"};
  }
  if (!request.none_match.empty()) {
    return {.status = 304, .etag = "\"1\""};
  }
  return {.body = body};
}

// One server for all: CivetWeb takes two seconds to end.
class HttpServerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<HttpServer>("127.0.0.1:0", answer_to); }
  static void TearDownTestSuite() { server_.reset(); }

  static std::string address() { return "127.0.0.1:" + std::to_string(server_->port()); }
  static std::string answer_of(const std::string& request) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    socket.connect({asio::ip::address_v4::loopback(), static_cast<asio::ip::port_type>(server_->port())});
    asio::write(socket, asio::buffer(request));
    std::string answer;
    asio::error_code end;
    asio::read(socket, asio::dynamic_buffer(answer), end);
    return answer;
  }

  static inline std::unique_ptr<HttpServer> server_;
};

std::string fault_at(const std::string& address) {
  try {
    const HttpServer server(address, answer_to);
  } catch (const Error& error) {
    return describe(error);
  }
  return "no fault";
}

TEST_F(HttpServerTest, AnswersWhatWasAskedFor) {
  EXPECT_THAT(
      answer_of("GET /livez HTTP/1.1\r\nHost: a:1\r\n\r\n"),
      AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 13\r\n"), HasSubstr("\r\n\r\n/livez of a:1")));
  EXPECT_THAT(answer_of("PUT / HTTP/1.1\r\nHost: a:1\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET\r\n")));
  EXPECT_THAT(answer_of("GET / HTTP/1.1\r\nHost: a:1\r\nIf-None-Match: \"1\"\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 304"), HasSubstr("ETag: \"1\"\r\n"), Not(HasSubstr("\nContent-Type:")),
                    Not(HasSubstr("Content-Length"))));
}

TEST_F(HttpServerTest, WhatFailsIsToldAsThat) {
  EXPECT_THAT(answer_of("GET /defect HTTP/1.1\r\nHost: a:1\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 500"), HasSubstr("the log of regsyncd says why"), Not(HasSubstr("a defect"))));
}

// RFC 9112, 3.2.2.
TEST_F(HttpServerTest, AWholeUrlNamesTheHost) {
  EXPECT_THAT(answer_of("GET http://" + address() + "/livez HTTP/1.1\r\nHost: other\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\r\n\r\n/livez of " + address())));
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
  EXPECT_THAT(fault_at(address()), AllOf(HasSubstr("another program does"), HasSubstr("ss -ltnp")));
  EXPECT_THAT(fault_at("192.0.2.1:0"),  // RFC 5737: nobody's
              AllOf(HasSubstr("no interface of this machine has the address"), Not(HasSubstr("ss -ltnp"))));
  EXPECT_THAT(fault_at("127.0.0.1:1,127.0.0.1:2"), HasSubstr("not an address and port"));
}

}  // namespace
}  // namespace regsync
