#include "sync/model/authority.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

TEST(Authority, HostsAndPortsAreRead) {
  EXPECT_EQ(parse_authority("ghcr.io"), (Authority{"ghcr.io", std::nullopt}));
  EXPECT_EQ(parse_authority("localhost:5000"), (Authority{"localhost", 5000}));
  EXPECT_EQ(parse_authority("[::1]:5000"), (Authority{"::1", 5000}));
  for (const char* text : {"", ":5000", "a:b", "a:", "a:70000", "user@host", "127.0.0.1@evil.test", "a b", "a/b",
                           "[::1", "[x]", "a\r\nb", "host:50:60", "a\\b"}) {
    EXPECT_EQ(parse_authority(text), std::nullopt) << text;
  }
}

TEST(Authority, LoopbackIsDecidedByTheAddress) {
  for (const char* text : {"localhost", "LOCALHOST:5000", "127.0.0.1", "127.9.8.7:5000", "[::1]:5000"}) {
    EXPECT_TRUE(parse_authority(text)->is_loopback()) << text;
  }
  for (const char* text :
       {"localhost.evil.test", "127.0.0.1.evil.test", "127.evil.test", "10.0.0.1", "[::2]", "127.1", "0.0.0.0"}) {
    EXPECT_FALSE(parse_authority(text)->is_loopback()) << text;
  }
}

}  // namespace
}  // namespace regsync
