#include "sync/kube/config/pem.hpp"

#include <gtest/gtest.h>

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

// Cut short in the middle of a line.
std::string torn(const std::string& pem) { return pem.substr(0, pem.size() / 2); }

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
