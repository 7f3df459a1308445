// A server that refuses the client certificate: with TLS 1.3 it says so after the handshake, by an alert.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "sync/kube/http/http_client.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync::kube {
namespace {

using ::testing::HasSubstr;

class TlsRefusal : public ::testing::Test {
 protected:
  void SetUp() override {
    make_key("ca", {"-x509", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1"});
    server_ = std::make_unique<test::Process>(
        test::Program{{"openssl", "s_server", "-accept", "0", "-cert", path("ca.crt"), "-key", path("ca.key"),
                       "-CAfile", path("ca.crt"), "-Verify", "1", "-verify_return_error", "-www"},
                      environment_,
                      ""});
    ASSERT_TRUE(test::wait_until([this] { return server_->out().find("ACCEPT") != std::string::npos; }));
    const std::string out = server_->out();
    const auto end = out.find('\n', out.find("ACCEPT"));
    const auto colon = out.rfind(':', end);  // "ACCEPT [::]:37471"
    url_ = "https://127.0.0.1:" + out.substr(colon + 1, end - colon - 1);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return (dir_ / name).string(); }

  void openssl(std::vector<std::string> argv) {
    argv.insert(argv.begin(), "openssl");
    const auto made = test::run_program({std::move(argv), environment_, ""});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  // A key, and its certificate or a request for one.
  void make_key(const std::string& name, std::vector<std::string> options) {
    std::vector<std::string> argv = {"req",
                                     "-newkey",
                                     "ec",
                                     "-pkeyopt",
                                     "ec_paramgen_curve:prime256v1",
                                     "-nodes",
                                     "-subj",
                                     "/CN=" + name,
                                     "-keyout",
                                     path(name + ".key"),
                                     "-out",
                                     path(name + ".crt")};
    argv.insert(argv.end(), options.begin(), options.end());
    openssl(std::move(argv));
  }

  // What a request with this client certificate (none: "") fails with.
  Error error_with(const std::string& name) {
    HttpClient client = make_client();
    return error_with(name, client);
  }
  Error error_with(const std::string& name, HttpClient& client) {
    TlsMaterial tls;
    tls.ca = test::read_file(path("ca.crt"));
    if (!name.empty()) {
      tls.certificate = test::read_file(path(name + ".crt"));
      tls.key = SecretString(test::read_file(path(name + ".key")));
    }
    HttpRequest request;
    request.target = "/";
    request.proof = std::make_shared<Proof>(Proof{{}, std::make_shared<TlsMaterial>(std::move(tls))});
    return test::error_of(loop_, client.send(request));
  }
  HttpClient make_client() { return {loop_.get_executor(), {.server = url_, .tls_server_name = "", .proxy_url = ""}}; }

  test::TempDir dir_;
  test::Environment environment_ = test::sandbox(dir_);
  std::unique_ptr<test::Process> server_;
  std::string url_;
  asio::io_context loop_;
};

TEST_F(TlsRefusal, OfAnExpiredCertificateIsNotTheNetwork) {
  make_key("old", {});
  openssl({"x509", "-req", "-in", path("old.crt"), "-CA", path("ca.crt"), "-CAkey", path("ca.key"), "-days", "-1",
           "-out", path("old.crt")});
  const Error error = error_with("old");
  EXPECT_EQ(error.code(), ErrorCode::tls) << describe(error);
  EXPECT_THAT(error.message(), HasSubstr("refuses the client certificate of this context: it has expired"));
  EXPECT_THAT(error.remedy(), HasSubstr("renew client-certificate"));
}

TEST_F(TlsRefusal, OfAStrangersCertificateNamesItsIssuer) {
  make_key("stranger", {"-x509"});
  const Error error = error_with("stranger");
  EXPECT_EQ(error.code(), ErrorCode::tls) << describe(error);
  EXPECT_THAT(error.message(), HasSubstr("refuses the client certificate"));
}

TEST_F(TlsRefusal, OfAMissingCertificateSaysSo) {
  const Error error = error_with("");
  EXPECT_EQ(error.code(), ErrorCode::tls) << describe(error);
  EXPECT_THAT(error.message(), HasSubstr("there is none"));
}

TEST_F(TlsRefusal, IsNotTheReasonOfWhatFailsLater) {
  HttpClient client = make_client();
  EXPECT_EQ(error_with("", client).code(), ErrorCode::tls);
  server_.reset();
  const Error error = error_with("", client);
  EXPECT_EQ(error.code(), ErrorCode::unreachable) << describe(error);
  EXPECT_THAT(error.message(), HasSubstr("connection refused"));
}

}  // namespace
}  // namespace regsync::kube
