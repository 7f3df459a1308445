// A server that refuses the client certificate: with TLS 1.3 it says so after the handshake, by an alert.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/integration/kube/tls_server.hpp"

namespace regsync::kube {
namespace {

using ::testing::HasSubstr;

class TlsRefusal : public TlsServer {
 protected:
  void SetUp() override { start({"-CAfile", path("ca.crt"), "-Verify", "1", "-verify_return_error"}); }

  // What a request with this client certificate (none: "") fails with.
  Error error_with(const std::string& name) {
    HttpClient client = make_client();
    return error_with(name, client);
  }
  Error error_with(const std::string& name, HttpClient& client) {
    const HttpRequest request = request_with(name);
    return test::error_of(loop_, client.send(request));
  }
  HttpRequest request_with(const std::string& name) {
    TlsMaterial tls;
    tls.ca = test::read_file(path("ca.crt"));
    if (!name.empty()) {
      tls.certificate = test::read_file(path(name + ".crt"));
      tls.key = SecretString(test::read_file(path(name + ".key")));
    }
    HttpRequest request;
    request.target = "/";
    request.proof =
        std::make_shared<RequestCredentials>(RequestCredentials{{}, std::make_shared<TlsMaterial>(std::move(tls))});
    return request;
  }
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

TEST_F(TlsRefusal, OfACertificateThatOpensslDoesNotSendSaysWhatIsWrong) {
  make_key("weak", {"-x509", "-newkey", "rsa:1024"});
  const Error error = error_with("weak");
  EXPECT_EQ(error.code(), ErrorCode::tls) << describe(error);
  EXPECT_THAT(error.message(), HasSubstr("too weak for OpenSSL on this machine"));
}

TEST_F(TlsRefusal, OfAMissingCertificateSaysSo) {
  const Error error = error_with("");
  EXPECT_EQ(error.code(), ErrorCode::tls) << describe(error);
  EXPECT_THAT(error.message(), HasSubstr("there is none"));
}

// Who has a plugin can get another certificate.
TEST_F(TlsRefusal, IsToldFromOtherFailuresOfTls) {
  HttpClient client = make_client();
  const HttpRequest with_none = request_with("");
  EXPECT_THROW(test::run(loop_, client.send(with_none)), CertificateRefused);
  make_key("other", {"-x509"});
  HttpRequest distrustful = request_with("");
  TlsMaterial tls;
  tls.ca = test::read_file(path("other.crt"));
  distrustful.proof =
      std::make_shared<RequestCredentials>(RequestCredentials{{}, std::make_shared<TlsMaterial>(std::move(tls))});
  try {
    test::run(loop_, client.send(distrustful));
    ADD_FAILURE() << "it was answered";
  } catch (const CertificateRefused& refusal) {
    ADD_FAILURE() << describe(refusal);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::tls);
  }
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
