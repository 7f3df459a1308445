#include "sync/kube/config/pem.hpp"

#include <gtest/gtest.h>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::kube {
namespace {

// A key with its certificate, and the same key under a passphrase.
struct Pair {
  std::string certificate;
  std::string key;
  std::string locked_key;
};

Pair make_pair() {
  const test::TempDir dir;
  const auto openssl = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    const test::Outcome made =
        test::run_program({.argv = std::move(arguments), .env = test::sandbox(dir), .in = {}, .directory = dir.path()});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  };
  openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
           "/CN=test", "-keyout", "key", "-out", "crt"});
  openssl({"ec", "-in", "key", "-aes128", "-passout", "pass:hunter2", "-out", "locked"});
  return {test::read_file(dir / "crt"), test::read_file(dir / "key"), test::read_file(dir / "locked")};
}

const Pair& one() {
  static const Pair pair = make_pair();
  return pair;
}
const Pair& other() {
  static const Pair pair = make_pair();
  return pair;
}

const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
// Cut short in the middle of a line.
std::string torn(const std::string& pem) { return pem.substr(0, pem.size() / 2); }

TEST(Pem, ABundleThatIsGoodStaysAsItIs) {
  const std::string bundle = "# ours\n" + one().certificate + "# theirs\n" + other().certificate;
  EXPECT_EQ(usable_certificates(bundle), bundle);
}

TEST(Pem, WhatCannotBeDecodedIsLeftOut) {
  EXPECT_EQ(usable_certificates(broken + one().certificate), one().certificate);
  EXPECT_EQ(usable_certificates(one().certificate + broken + other().certificate),
            one().certificate + other().certificate);
  EXPECT_EQ(usable_certificates(one().certificate + torn(other().certificate)), one().certificate);
}

TEST(Pem, WithoutACertificateThereIsNothing) {
  for (const std::string& pem :
       {std::string(), std::string("x"), broken, torn(one().certificate), one().key,
        std::string("-----BEGIN CERTIFICATE-----"), std::string("-----END CERTIFICATE-----")}) {
    EXPECT_EQ(usable_certificates(pem), "") << pem;
  }
}

TEST(Pem, AKeyBelongsToItsOwnCertificate) {
  EXPECT_TRUE(is_pair(one().certificate, one().key));
  EXPECT_TRUE(is_pair(one().certificate + other().certificate, one().key)) << "a chain begins with it";
  EXPECT_FALSE(is_pair(other().certificate + one().certificate, one().key));
  EXPECT_FALSE(is_pair(one().certificate, other().key));
}

TEST(Pem, WhatIsTornOrLockedIsNoPair) {
  EXPECT_FALSE(is_pair(torn(one().certificate), one().key));
  EXPECT_FALSE(is_pair(one().certificate, torn(one().key)));
  EXPECT_FALSE(is_pair(one().certificate, one().certificate));
  EXPECT_FALSE(is_pair("", ""));
  EXPECT_FALSE(is_pair(one().certificate, one().locked_key)) << "nobody is asked for the passphrase";
}

}  // namespace
}  // namespace regsync::kube
