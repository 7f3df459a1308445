#include "sync/base/own_addresses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace regsync {
namespace {

using testing::AnyOf;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST(OwnAddresses, NeitherLoopbackNorLinkLocalOnesCount) {
  EXPECT_THAT(own_addresses(), Each(Not(AnyOf(StartsWith("lo "), HasSubstr(" fe80:"), EndsWith(" ")))));
}

// proc_net(5): a temporary address, a deprecated one, one that stays, and the loopback one.
TEST(OwnAddresses, ThoseThatComeAndGoInOneNetworkPass) {
  EXPECT_THAT(passing_addresses("20010db8000000000000000000000001 02 40 00 01    wlan0\n"
                                "20010db8000000000000000000000002 02 40 00 20    wlan0\n"
                                "20010db8000000000000000000000003 02 40 00 00    wlan0\n"
                                "00000000000000000000000000000001 01 80 10 80       lo\n"),
              ElementsAre("wlan0 20010db8000000000000000000000001", "wlan0 20010db8000000000000000000000002"));
  EXPECT_THAT(passing_addresses(""), IsEmpty());
  EXPECT_THAT(passing_addresses("no table at all"), IsEmpty());
}

TEST(OwnAddresses, AreTheSameWhileNothingHappens) { EXPECT_EQ(own_addresses(), own_addresses()); }

}  // namespace
}  // namespace regsync
