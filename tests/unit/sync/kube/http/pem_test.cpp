#include "sync/kube/http/pem.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/key_pair.hpp"

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

TEST(Pem, AKeyBelongsToItsOwnCertificate) {
  EXPECT_EQ(pair_fault(one().certificate, one().key), PairFault::none);
  EXPECT_EQ(pair_fault(one().certificate + other().certificate, one().key), PairFault::none)
      << "a chain begins with it";
  EXPECT_EQ(pair_fault(other().certificate + one().certificate, one().key), PairFault::other_key);
  EXPECT_EQ(pair_fault(one().certificate, other().key), PairFault::other_key);
}

TEST(Pem, WhatIsTornOrLockedIsNoPair) {
  EXPECT_EQ(pair_fault(torn(one().certificate), one().key), PairFault::no_certificate);
  EXPECT_EQ(pair_fault(one().certificate, torn(one().key)), PairFault::no_key);
  EXPECT_EQ(pair_fault(one().certificate, one().certificate), PairFault::no_key);
  EXPECT_EQ(pair_fault("", ""), PairFault::no_certificate);
  EXPECT_EQ(pair_fault(one().certificate, one().locked_key), PairFault::encrypted_key)
      << "nobody is asked for the passphrase";
}

TEST(Pem, AKeyMayHaveTheLabelOfAnotherFormat) {
  const test::KeyPair rsa = test::make_key_pair({"rsa:2048"});
  for (const auto& [pair, label] : {std::pair(rsa, "RSA PRIVATE KEY"), {one(), "EC PRIVATE KEY"}}) {
    const std::string own = test::in_old_format(pair.key);
    ASSERT_THAT(own, testing::HasSubstr(label));
    EXPECT_EQ(usable_key(own).reveal(), own) << "nothing is to be changed";
    std::string mislabelled = own;
    for (auto at = mislabelled.find(label); at != std::string::npos; at = mislabelled.find(label)) {
      mislabelled.replace(at, std::string_view(label).size(), "PRIVATE KEY");
    }
    EXPECT_EQ(pair_fault(pair.certificate, mislabelled), PairFault::no_key);
    EXPECT_EQ(pair_fault(pair.certificate, usable_key(mislabelled).reveal()), PairFault::none) << label;
  }
  for (const std::string& unusable : {std::string(), broken, block("PRIVATE KEY"), one().locked_key}) {
    EXPECT_EQ(usable_key(unusable).reveal(), unusable);
  }
}

TEST(Pem, ShortKeysAreWeak) {
  EXPECT_FALSE(is_weak(one().certificate));
  EXPECT_FALSE(is_weak("none"));
  EXPECT_TRUE(is_weak(test::make_key_pair({"rsa:1024"}).certificate));
  EXPECT_FALSE(is_weak(test::make_key_pair({"rsa:2048", "-sha1"}).certificate)) << "nobody looks at its own signature";
}

// RFC 1421: any block may be encrypted. A terminal is asked for nothing, nor is what stands in for one.
TEST(Pem, NobodyIsAskedForThePassphraseOfACertificate) {
  std::string locked = one().certificate;
  locked.insert(locked.find('\n') + 1,
                "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\n");
  std::array<int, 2> typed{};
  ASSERT_EQ(pipe(typed.data()), 0);
  constexpr std::string_view phrase = "hunter2\nhunter2\n";
  ASSERT_EQ(write(typed[1], phrase.data(), phrase.size()), static_cast<ssize_t>(phrase.size()));
  close(typed[1]);
  const int before = dup(STDIN_FILENO);
  dup2(typed[0], STDIN_FILENO);
  EXPECT_EQ(pair_fault(locked, one().key), PairFault::no_certificate);
  EXPECT_EQ(common_name_of(locked), "");
  EXPECT_EQ(usable_certificates(locked + other().certificate), other().certificate);
  int left = 0;
  EXPECT_EQ(ioctl(typed[0], FIONREAD, &left), 0);
  EXPECT_EQ(left, static_cast<int>(phrase.size()));
  dup2(before, STDIN_FILENO);
  close(before);
  close(typed[0]);
}

TEST(Pem, ACertificateNamesItsUser) {
  EXPECT_EQ(common_name_of(one().certificate), "test");
  EXPECT_EQ(common_name_of(one().key), "");
  EXPECT_EQ(common_name_of(""), "");
}

TEST(UsableCertificates, AreAllThatCanBeDecoded) {
  const std::string both = one().certificate + other().certificate;
  EXPECT_EQ(usable_certificates("# ours\n" + one().certificate + "# theirs\n" + other().certificate), both);
  EXPECT_EQ(usable_certificates(broken + one().certificate), one().certificate);
  EXPECT_EQ(usable_certificates(one().certificate + broken + other().certificate), both);
  EXPECT_EQ(usable_certificates(one().certificate + torn(other().certificate)), one().certificate);
}

TEST(Certificates, AreTheSameHoweverTheyAreWritten) {
  std::string with_carriage_returns = one().certificate;
  for (auto at = with_carriage_returns.find('\n'); at != std::string::npos;
       at = with_carriage_returns.find('\n', at + 2)) {
    with_carriage_returns.insert(at, "\r");
  }
  const auto alone = certificates_in(one().certificate);
  ASSERT_EQ(alone.size(), 1U);
  EXPECT_EQ(certificates_in("# ours\n" + with_carriage_returns), alone);
  EXPECT_EQ(certificates_in(other().certificate + one().certificate).back(), alone.front());
  EXPECT_TRUE(certificates_in("ca").empty());
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

}  // namespace
}  // namespace regsync::kube
