#include "sync/base/own_addresses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace regsync {
namespace {

using testing::AnyOf;
using testing::Each;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(OwnAddresses, NeitherLoopbackNorLinkLocalOnesCount) {
  EXPECT_THAT(own_addresses(), Each(Not(AnyOf(StartsWith("lo "), HasSubstr(" fe80:"), EndsWith(" ")))));
}

TEST(OwnAddresses, AreTheSameWhileNothingHappens) { EXPECT_EQ(own_addresses(), own_addresses()); }

}  // namespace
}  // namespace regsync
