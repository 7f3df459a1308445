// What of TLS and HTTP the environment decides, as for kubectl.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/integration/kube/tls_server.hpp"

namespace regsync::kube {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TlsEnvironment : public TlsServer {
 protected:
  void SetUp() override {
    forget();
    start({"-alpn", "h2,http/1.1"});
  }
  void TearDown() override { forget(); }

  static void forget() {
    for (const char* const name : {"SSL_CERT_FILE", "SSL_CERT_DIR", "DISABLE_HTTP2"}) {
      ::unsetenv(name);
    }
  }

  // As a context that names no CA.
  std::string answer() {
    HttpClient client = make_client();
    HttpRequest request;
    request.target = "/";
    request.timeout = std::chrono::seconds(5);
    return test::run(loop_, client.send(request)).body;
  }
  Error error() {
    HttpClient client = make_client();
    HttpRequest request;
    request.target = "/";
    return test::error_of(loop_, client.send(request));
  }
};

TEST_F(TlsEnvironment, SslCertFileIsTrusted) {
  ::setenv("DISABLE_HTTP2", "1", 1);  // s_server speaks HTTP/1.0
  ::setenv("SSL_CERT_FILE", path("ca.crt").c_str(), 1);
  EXPECT_THAT(answer(), HasSubstr("s_server"));
}

TEST_F(TlsEnvironment, TheFoldersOfSslCertDirAreTrusted) {
  ::setenv("DISABLE_HTTP2", "1", 1);
  std::filesystem::create_directory(path("empty"));
  std::filesystem::create_directory(path("roots"));
  std::filesystem::copy_file(path("ca.crt"), path("roots/ca.crt"));
  std::filesystem::copy_file(path("ca.key"), path("roots/no certificate"));
  ::setenv("SSL_CERT_DIR", (path("empty") + ":" + path("roots")).c_str(), 1);
  EXPECT_THAT(answer(), HasSubstr("s_server"));
}

// As Go has it: what cannot be read or decoded is left out, and the rest counts.
TEST_F(TlsEnvironment, WhatCannotBeUsedIsLeftOut) {
  ::setenv("DISABLE_HTTP2", "1", 1);
  const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const std::string authority = test::read_file(path("ca.crt"));
  dir_.write("broken first", broken + authority);
  dir_.write("roots/broken first", broken + authority);
  dir_.write("no certificate", "x");
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  for (const std::string& file : {path("missing"), path("no certificate"), path("fifo"), std::string("/dev/null")}) {
    ::setenv("SSL_CERT_FILE", file.c_str(), 1);
    ::unsetenv("SSL_CERT_DIR");
    EXPECT_EQ(error().code(), ErrorCode::tls) << file;
    ::setenv("SSL_CERT_DIR", path("roots").c_str(), 1);
    EXPECT_THAT(answer(), HasSubstr("s_server")) << file;
  }
  ::unsetenv("SSL_CERT_DIR");
  ::setenv("SSL_CERT_FILE", path("broken first").c_str(), 1);
  EXPECT_THAT(answer(), HasSubstr("s_server"));
}

TEST_F(TlsEnvironment, WhereItDecidesWhatIsTrustedARefusalNamesIt) {
  EXPECT_EQ(error().code(), ErrorCode::tls);
  EXPECT_THAT(error().remedy(), Not(HasSubstr("SSL_CERT")));
  make_key("other", {"-x509"});
  ::setenv("SSL_CERT_FILE", path("other.crt").c_str(), 1);
  EXPECT_EQ(error().code(), ErrorCode::tls);
  EXPECT_THAT(error().remedy(), HasSubstr("SSL_CERT_FILE=" + path("other.crt")));
}

// Over HTTP/2, which s_server agrees to and does not speak, there would be no answer.
TEST_F(TlsEnvironment, DisableHttp2MeansHttp1) {
  ::setenv("SSL_CERT_FILE", path("ca.crt").c_str(), 1);
  ::setenv("DISABLE_HTTP2", "true", 1);
  EXPECT_THAT(answer(), HasSubstr("s_server"));
}

}  // namespace
}  // namespace regsync::kube
