// Which certificates of a server are trusted: those that kubectl trusts.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/kube/tls_server.hpp"

namespace regsync::kube {
namespace {

class TlsTrust : public TlsServer {
 protected:
  // Of a certificate authority for the server's address.
  void make_server_key(const std::string& authority, std::vector<std::string> options = {}) {
    options.insert(options.end(), {"-addext", "subjectAltName=IP:127.0.0.1"});
    make_key("server", options);
    openssl({"x509", "-req", "-in", path("server.crt"), "-CA", path(authority + ".crt"), "-CAkey",
             path(authority + ".key"), "-days", "2", "-copy_extensions", "copy", "-out", path("server.crt")});
  }

  void start_server() {
    start({"-cert", path("server.crt"), "-key", path("server.key"), "-cipher", "DEFAULT@SECLEVEL=1"});
  }

  long status_with(const std::string& authorities) {
    TlsMaterial tls;
    tls.ca = authorities;
    HttpRequest request;
    request.target = "/";
    request.timeout = std::chrono::seconds(5);
    request.proof =
        std::make_shared<RequestCredentials>(RequestCredentials{{}, std::make_shared<TlsMaterial>(std::move(tls))});
    HttpClient client = make_client();
    return test::run(loop_, client.send(request)).status;
  }

  std::string certificate(const std::string& name) { return test::read_file(path(name + ".crt")); }
};

// While the authority of a cluster is replaced, a bundle holds the old one and the new one, which have one name.
TEST_F(TlsTrust, OfSeveralAuthoritiesWithOneNameTheOneThatSignedCounts) {
  for (const char* name : {"old", "new"}) {
    make_key(name, {"-x509", "-subj", "/CN=kubernetes", "-days", "2"});
  }
  make_server_key("new");
  start_server();
  EXPECT_EQ(status_with(certificate("new")), 200);
  EXPECT_EQ(status_with(certificate("old") + certificate("new")), 200);
  EXPECT_EQ(status_with(certificate("new") + certificate("old")), 200);
  EXPECT_THROW(status_with(certificate("old")), Error) << "a name proves nothing";
}

TEST_F(TlsTrust, AShortKeyThatGoTakesIsTaken) {
  make_key("weak", {"-x509", "-newkey", "rsa:1024", "-days", "2"});
  make_server_key("weak", {"-newkey", "rsa:1024"});
  start_server();
  EXPECT_EQ(status_with(certificate("weak")), 200);
}

}  // namespace
}  // namespace regsync::kube
