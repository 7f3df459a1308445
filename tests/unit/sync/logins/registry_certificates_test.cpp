#include "sync/logins/registry_certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RegistryCertificates, AreThoseOfTheRegistrysFolders) {
  const test::TempDir root;
  root.write("a/registry.test:5000/ca.crt", "authority one");
  root.write("a/registry.test:5000/client.cert", "certificate");
  root.write("a/registry.test:5000/client.key", "key");
  root.write("a/registry.test/ca.crt", "of another port");
  root.write("b/registry.test:5000/more.crt", "authority two");
  root.write("b/registry.test:5000/lonely.cert", "a certificate without its key");
  root.write("b/registry.test:5000/notes.txt", "neither");
  const auto found = registry_certificates("registry.test:5000", {root / "missing", root / "a", root / "b"});
  ASSERT_TRUE(found);
  EXPECT_THAT(found->ca, HasSubstr("authority one\nauthority two\n"));
  EXPECT_THAT(found->ca, Not(HasSubstr("neither")));
  EXPECT_THAT(found->ca, Not(HasSubstr("of another port")));
  EXPECT_EQ(found->certificate, "certificate");
  EXPECT_EQ(found->key.reveal(), "key");
  EXPECT_EQ(registry_certificates("other.test", {root / "a"}), nullptr);
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
  root.write("certs.d/a.test/ca.crt", "of the registry");
  root.write("own/one.pem", "of a folder");
  root.write("own/two", "of the same folder");
  root.write("more/three.pem", "of another folder");
  ::setenv("SSL_CERT_FILE", root.write("bundle.pem", "of the file").c_str(), 1);
  ::setenv("SSL_CERT_DIR", ((root / "own").string() + "::" + (root / "more").string()).c_str(), 1);
  const auto found = registry_certificates("a.test", {root / "certs.d"});
  ::unsetenv("SSL_CERT_FILE");
  ::unsetenv("SSL_CERT_DIR");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->ca, "of the file\nof a folder\nof the same folder\nof another folder\nof the registry\n");
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
