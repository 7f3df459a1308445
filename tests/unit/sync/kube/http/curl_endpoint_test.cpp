#include "sync/kube/http/curl_endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace regsync::kube {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Endpoint at(const char* server, const char* tls_server_name = "") {
  Endpoint endpoint;
  endpoint.server = server;
  endpoint.tls_server_name = tls_server_name;
  return endpoint;
}

Endpoint through(std::string proxy) {
  Endpoint endpoint = at("https://k.example");
  endpoint.proxy_url = std::move(proxy);
  endpoint.proxy_source = "HTTPS_PROXY";
  return endpoint;
}

class CurlEndpointTest : public testing::Test {
 protected:
  CurlEndpointTest() { initialise_curl(); }

  // What a request carries.
  std::vector<std::string> headers_of(const Endpoint& endpoint, const HttpRequest& request) {
    const CurlEndpoint made(endpoint);
    const CurlEasy easy = made.make_handle(tls_, false);
    CurlList headers;
    made.configure(easy.get(), request, headers);
    std::vector<std::string> texts;
    for (const curl_slist* each = headers.get(); each != nullptr; each = each->next) {
      texts.emplace_back(each->data);
    }
    return texts;
  }
  // As what a failed transfer is told.
  Error error_of(CURLcode code, const char* detail = "", const Endpoint& endpoint = at("https://k.example")) {
    const CurlEndpoint made(endpoint);
    const CurlEasy easy = made.make_handle(tls_, false);
    return made.error_of({.easy = easy.get(), .tls = tls_, .result = code, .detail = detail});
  }

  TlsMaterial tls_;
};

TEST_F(CurlEndpointTest, ARequestCarriesItsHeadersAndThoseOfItsProof) {
  HttpRequest request;
  request.headers = {"Accept: application/json"};
  auto proof = std::make_shared<RequestCredentials>();
  proof->headers = {"Authorization: Bearer t"};
  request.proof = std::move(proof);
  EXPECT_THAT(headers_of(at("https://k.example"), request),
              ElementsAre("Accept: application/json", "Authorization: Bearer t"));
}

TEST_F(CurlEndpointTest, TheRealHostIsNamedWhereTheCertificateNamesAnother) {
  EXPECT_THAT(headers_of(at("https://10.0.0.1:6443/prefix", "k.example"), {}), ElementsAre("Host: 10.0.0.1:6443"));
  EXPECT_THAT(headers_of(at("https://a.example", "k.example"), {}), ElementsAre("Host: a.example"));
  EXPECT_THAT(headers_of(at("https://a.example:443", "k.example"), {}), ElementsAre("Host: a.example:443"));
  EXPECT_THAT(headers_of(at("https://[fd00::1]", "k.example"), {}), ElementsAre("Host: [fd00::1]"));
  EXPECT_THAT(headers_of(at("https://[fe80::1%25eth0]:6443", "k.example"), {}), ElementsAre("Host: [fe80::1]:6443"));
  EXPECT_THAT(headers_of(at("https://k.example"), {}), IsEmpty());
}

TEST_F(CurlEndpointTest, ATlsServerNameThatIsNoHostIsAProblemOfTheKubeconfig) {
  for (const char* const name : {"a/b", "a:1", "user@a", "a b", "a?b", "a#b"}) {
    try {
      const CurlEndpoint made(at("https://k.example", name));
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kubeconfig) << name;
      EXPECT_THAT(error.message(), HasSubstr("tls-server-name")) << name;
    }
  }
}

TEST_F(CurlEndpointTest, ATlsServerNameThatNobodyChecksMayBeAnything) {
  Endpoint endpoint = at("https://k.example", "a b");
  endpoint.insecure_skip_tls_verify = true;
  EXPECT_THAT(headers_of(endpoint, {}), IsEmpty());
}

TEST_F(CurlEndpointTest, AProxyThatCannotBeUsedIsAProblemAndNotLeftOut) {
  for (const char* const proxy : {"http://corp:hunter2%00@p:1", "http://corp:hun/ter2@p:1", "http://corp:hunter2@"}) {
    try {
      const CurlEndpoint made(through(proxy));
      ADD_FAILURE() << proxy;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kubeconfig) << proxy;
      EXPECT_EQ(error.message(), "HTTPS_PROXY is not the URL of a proxy") << proxy;
      EXPECT_THAT(error.remedy(), HasSubstr("HTTPS_PROXY")) << proxy;
    }
  }
}

TEST_F(CurlEndpointTest, WhatFailsOnTheWayThroughAProxyNamesIt) {
  EXPECT_EQ(error_of(CURLE_COULDNT_RESOLVE_PROXY, "", through("http://u:hunter2@p:1")).message(),
            "cannot reach the proxy http://p:1 (HTTPS_PROXY) of https://k.example: the host name cannot be resolved");
  EXPECT_EQ(error_of(CURLE_RECV_ERROR, "reset", through("http://p:1")).message(),
            "reset (through the proxy http://p:1 of HTTPS_PROXY)");
}

TEST_F(CurlEndpointTest, NoPasswordOfAProxyIsToldEvenIfLibcurlQuotesIt) {
  for (const char* const scheme : {"http", "ftp", "htpp", "socks5", "socks6"}) {
    const std::string proxy = std::string(scheme) + "://corp:hunter2@p:21";
    const Error error = error_of(CURLE_COULDNT_CONNECT, ("Unsupported proxy '" + proxy + "'").c_str(), through(proxy));
    EXPECT_THAT(describe(error), Not(HasSubstr("hunter2"))) << scheme;
    EXPECT_THAT(error.message(), HasSubstr(std::string(scheme) + "://p:21")) << scheme;
  }
}

TEST_F(CurlEndpointTest, AServerThatClosesIsNotToldAsTheCallThatFailed) {
  EXPECT_EQ(error_of(CURLE_SEND_ERROR, "getpeername() failed with errno 107").message(),
            "the server closed the connection");
}

TEST_F(CurlEndpointTest, NobodyIsAskedWhetherALargeBodyIsWanted) {
  HttpRequest request;
  request.method = "PATCH";
  request.body.assign(std::size_t{1024} * 1024, 'x');
  EXPECT_THAT(headers_of(at("http://127.0.0.1:1"), request), Not(testing::Contains("Expect:")));
  request.body += 'x';
  EXPECT_THAT(headers_of(at("http://127.0.0.1:1"), request), testing::Contains("Expect:"));
}

TEST_F(CurlEndpointTest, EachKindOfFailureIsToldAsWhatItIs) {
  EXPECT_EQ(error_of(CURLE_COULDNT_CONNECT).code(), ErrorCode::unreachable);
  EXPECT_EQ(error_of(CURLE_COULDNT_RESOLVE_HOST).code(), ErrorCode::unreachable);
  EXPECT_EQ(error_of(CURLE_OPERATION_TIMEDOUT).code(), ErrorCode::timeout);
  EXPECT_EQ(error_of(CURLE_PEER_FAILED_VERIFICATION).code(), ErrorCode::tls);
  EXPECT_EQ(error_of(CURLE_SSL_CERTPROBLEM).code(), ErrorCode::tls);
  EXPECT_EQ(error_of(CURLE_URL_MALFORMAT).code(), ErrorCode::kubeconfig);
  EXPECT_EQ(error_of(CURLE_WEIRD_SERVER_REPLY).code(), ErrorCode::protocol);
  EXPECT_EQ(error_of(CURLE_OUT_OF_MEMORY).code(), ErrorCode::internal);
}

TEST_F(CurlEndpointTest, AServerThatCannotBeReachedIsNamedAsTheKubeconfigNamesIt) {
  EXPECT_EQ(error_of(CURLE_COULDNT_RESOLVE_HOST, "", at("https://10.0.0.1:6443", "k.example")).message(),
            "cannot reach https://10.0.0.1:6443: the host name cannot be resolved");
}

TEST_F(CurlEndpointTest, LibcurlsOwnWordsWinOverItsGeneralOnes) {
  EXPECT_EQ(error_of(CURLE_COULDNT_CONNECT, "connect to 10.0.0.1 failed").message(), "connect to 10.0.0.1 failed");
  EXPECT_EQ(error_of(CURLE_COULDNT_CONNECT).message(), curl_easy_strerror(CURLE_COULDNT_CONNECT));
  EXPECT_THAT(error_of(CURLE_COULDNT_CONNECT).remedy(), HasSubstr("network"));
}

}  // namespace
}  // namespace regsync::kube
