#include "sync/base/default_route.hpp"

#include <gtest/gtest.h>

#include <string>

namespace regsync {
namespace {

const std::string ipv4_head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
const std::string ipv6_zero = "00000000000000000000000000000000";

std::string ipv4(const std::string& device, const std::string& destination, const std::string& flags,
                 const std::string& mask) {
  return device + "\t" + destination + "\t010200C0\t" + flags + "\t0\t0\t0\t" + mask + "\t0\t0\t0   \n";
}

std::string ipv6(const std::string& prefix, const std::string& flags, const std::string& device) {
  return ipv6_zero + " " + prefix + " " + ipv6_zero +
         " 00 fd000000000000000000000000000001 00000400 00000002 00000000 " + flags + "     " + device + "\n";
}

TEST(DefaultRoute, OfEitherFamilyWillDo) {
  EXPECT_TRUE(lists_default_route(ipv4_head + ipv4("eth0", "00000000", "0003", "00000000"), ""));
  EXPECT_TRUE(lists_default_route("", ipv6("00", "00000003", "eth0")));
}

TEST(DefaultRoute, ANetworkNextDoorIsNone) {
  EXPECT_FALSE(lists_default_route(ipv4_head + ipv4("docker0", "000011AC", "0001", "0000FFFF"), ""));
  EXPECT_FALSE(lists_default_route("", ipv6("08", "00000001", "eth0")));
}

// The kernel always has the last one.
TEST(DefaultRoute, OneThatRejectsOrIsDownOrEndsHereIsNone) {
  EXPECT_FALSE(lists_default_route(ipv4_head + ipv4("eth0", "00000000", "0201", "00000000"), ""));
  EXPECT_FALSE(lists_default_route(ipv4_head + ipv4("eth0", "00000000", "0002", "00000000"), ""));
  EXPECT_FALSE(lists_default_route("", ipv6("00", "00200200", "lo")));
}

TEST(DefaultRoute, NoTableAndGarbageHoldNone) {
  EXPECT_FALSE(lists_default_route("", ""));
  EXPECT_FALSE(lists_default_route("\n\n0 0 0\n" + std::string(70'000, '0'), "x\n"));
}

}  // namespace
}  // namespace regsync
