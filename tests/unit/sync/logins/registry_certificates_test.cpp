#include "sync/logins/registry_certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <map>
#include <string>

#include "tests/support/key_pair.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

// Of another authority for each number.
const std::string& certificate(std::size_t number) {
  static std::map<std::size_t, std::string> made;
  const auto [of, is_new] = made.try_emplace(number);
  if (is_new) {
    of->second = test::make_key_pair().certificate;
  }
  return of->second;
}

TEST(RegistryCertificates, AreThoseOfTheRegistrysFolders) {
  const test::TempDir root;
  root.write("a/registry.test:5000/ca.crt", certificate(0));
  root.write("a/registry.test:5000/client.cert", "certificate");
  root.write("a/registry.test:5000/client.key", "key");
  root.write("a/registry.test/ca.crt", certificate(1));
  root.write("b/registry.test:5000/more.crt", broken + certificate(2));
  root.write("b/registry.test:5000/lonely.cert", "a certificate without its key");
  root.write("b/registry.test:5000/notes.txt", certificate(3));
  const auto found = registry_certificates("registry.test:5000", {root / "missing", root / "a", root / "b"});
  ASSERT_TRUE(found);
  EXPECT_THAT(found->ca, HasSubstr(certificate(0) + certificate(2)));
  EXPECT_THAT(found->ca, Not(HasSubstr(certificate(3))));
  EXPECT_THAT(found->ca, Not(HasSubstr(certificate(1))));
  EXPECT_EQ(found->certificate, "certificate");
  EXPECT_EQ(found->key.reveal(), "key");
  EXPECT_EQ(registry_certificates("other.test", {root / "a"}), nullptr);
}

TEST(RegistryCertificates, WithoutAPortThoseOfThePort443Count) {
  const test::TempDir root;
  root.write("a.test:443/ca.crt", certificate(0));
  root.write("a.test:5000/ca.crt", certificate(1));
  const auto found = registry_certificates("a.test", {root.path()});
  ASSERT_TRUE(found);
  EXPECT_THAT(found->ca, HasSubstr(certificate(0)));
  EXPECT_THAT(found->ca, Not(HasSubstr(certificate(1))));
}

TEST(RegistryCertificates, AKeyThatIsMissingLeavesTheNextPair) {
  const test::TempDir root;
  root.write("a.test/1.cert", "without a key");
  root.write("a.test/2.cert", "certificate");
  root.write("a.test/2.key", "key");
  const auto found = registry_certificates("a.test", {root.path()});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->certificate, "certificate");
  EXPECT_EQ(found->ca, "") << "the system's";
}

TEST(RegistryCertificates, TheSystemsAuthoritiesAreThoseThatTheEnvironmentNames) {
  const test::TempDir root;
  root.write("certs.d/a.test/ca.crt", certificate(0));
  root.write("own/one.pem", broken + certificate(2));
  root.write("own/two", certificate(3));
  root.write("more/three.pem", certificate(4));
  ::setenv("SSL_CERT_FILE", root.write("bundle.pem", broken + certificate(1)).c_str(), 1);
  ::setenv("SSL_CERT_DIR", ((root / "own").string() + "::" + (root / "more").string()).c_str(), 1);
  const auto found = registry_certificates("a.test", {root / "certs.d"});
  ::unsetenv("SSL_CERT_FILE");
  ::unsetenv("SSL_CERT_DIR");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->ca, certificate(1) + certificate(2) + certificate(3) + certificate(4) + certificate(0));
}

TEST(RegistryCertificates, AHostCannotLeaveTheFolder) {
  const test::TempDir root;
  root.write("ca.crt", "x");
  root.write("certs.d/keep", "");
  for (const char* host : {"..", ".", "", "../certs.d/..", "/"}) {
    EXPECT_EQ(registry_certificates(host, {root / "certs.d"}), nullptr) << host;
  }
}

}  // namespace
}  // namespace regsync
