#include "sync/kube/http/certificate_authorities.hpp"

#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <memory>

#include "tests/support/key_pair.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::kube {
namespace {

const test::KeyPair& one() {
  static const test::KeyPair pair = test::make_key_pair();
  return pair;
}
const test::KeyPair& other() {
  static const test::KeyPair pair = test::make_key_pair();
  return pair;
}

std::string block(const std::string& kind) {
  return "-----BEGIN " + kind + "-----\nAAAA\n-----END " + kind + "-----\n";
}
const std::string broken = block("CERTIFICATE");
// Cut short in the middle of a line.
std::string torn(const std::string& pem) { return pem.substr(0, pem.size() / 2); }

TEST(UsableCertificates, AreAllThatCanBeDecoded) {
  const std::string both = one().certificate + other().certificate;
  EXPECT_EQ(usable_certificates("# ours\n" + one().certificate + "# theirs\n" + other().certificate), both);
  EXPECT_EQ(usable_certificates(broken + one().certificate), one().certificate);
  EXPECT_EQ(usable_certificates(one().certificate + broken + other().certificate), both);
  EXPECT_EQ(usable_certificates(one().certificate + torn(other().certificate)), one().certificate);
}

// OpenSSL takes no bundle with one of these.
TEST(UsableCertificates, AreWithoutBrokenBlocksOfOtherKinds) {
  for (const char* const kind : {"RSA PRIVATE KEY", "X509 CRL", "CERTIFICATE REQUEST"}) {
    EXPECT_EQ(usable_certificates(one().certificate + block(kind)), one().certificate) << kind;
    EXPECT_EQ(usable_certificates(block(kind) + one().certificate), one().certificate) << kind;
  }
}

TEST(UsableCertificates, WithoutACertificateThereIsNothing) {
  for (const std::string& pem :
       {std::string(), std::string("x"), broken, torn(one().certificate), one().key,
        std::string("-----BEGIN CERTIFICATE-----"), std::string("-----END CERTIFICATE-----")}) {
    EXPECT_EQ(usable_certificates(pem), "") << pem;
  }
}

TEST(Trust, AddsWhatIsUsable) {
  const std::unique_ptr<X509_STORE, void (*)(X509_STORE*)> store(X509_STORE_new(), &X509_STORE_free);
  trust(store.get(), broken + one().certificate + block("X509 CRL") + other().certificate);
  EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects(store.get())), 2);
}

TEST(AuthoritiesIn, AreThoseOfTheFileAndOfAllFilesInTheFolders) {
  const test::TempDir root;
  root.write("own/one.pem", "a");
  root.write("own/two", "b");
  root.write("more/three.pem", "c");
  const std::string folders =
      (root / "own").string() + "::" + (root / "missing").string() + ":" + (root / "more").string();
  EXPECT_EQ(authorities_in(root.write("bundle", "file").string(), folders), "file\na\nb\nc\n");
  EXPECT_EQ(authorities_in((root / "missing").string(), folders), "a\nb\nc\n");
  EXPECT_EQ(authorities_in("", folders), "a\nb\nc\n");
}

// To open one would wait for who writes it.
TEST(AuthoritiesIn, AFifoIsLeftOut) {
  const test::TempDir root;
  const std::string fifo = (root / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(authorities_in(fifo, root.path().string()), "");
}

}  // namespace
}  // namespace regsync::kube
