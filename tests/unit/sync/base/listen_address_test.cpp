#include "sync/base/listen_address.hpp"

#include <gtest/gtest.h>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

TEST(ListenAddress, IsAHostAndAPort) {
  const std::tuple<const char*, const char*, const char*> cases[] = {{"127.0.0.1:9464", "127.0.0.1", "9464"},
                                                                     {":9464", "", "9464"},
                                                                     {"[::]:0", "::", "0"},
                                                                     {"[fd00::1]:80", "fd00::1", "80"},
                                                                     {"localhost:65535", "localhost", "65535"}};
  for (const auto& [text, host, port] : cases) {
    const ListenAddress address = parse_listen_address(text);
    EXPECT_EQ(address.host, host) << text;
    EXPECT_EQ(address.port, port) << text;
  }
}

TEST(ListenAddress, WhatIsNoneIsRefused) {
  for (const char* text : {"",
                           ":",
                           "9481",
                           "notanaddress",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:99999",
                           "127.0.0.1:-1",
                           ":80s",
                           ":80r",
                           "+80",
                           "+:80",
                           ":+80",
                           ": 80",
                           "a:1,b:2",
                           "127.0.0.1:1,:2",
                           "::1:80",
                           "fd00::1:80",
                           "[::1]",
                           "[127.0.0.1]:80",
                           "[]:80",
                           "[:80",
                           "1.2.3:80",
                           "256.1.1.1:80",
                           "a b:80",
                           "node-1.test:80",
                           "http://localhost:80"}) {
    try {
      parse_listen_address(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_input) << text;
      EXPECT_NE(error.remedy().find("HOST:PORT"), std::string::npos);
    }
  }
}

TEST(ListenAddress, KnowsWhatOnlyThisMachineReaches) {
  for (const char* text : {"127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "localhost:1"}) {
    EXPECT_TRUE(parse_listen_address(text).is_loopback()) << text;
  }
  for (const char* text : {":1", "0.0.0.0:1", "[::]:1", "192.168.1.2:1"}) {
    EXPECT_FALSE(parse_listen_address(text).is_loopback()) << text;
  }
}

}  // namespace
}  // namespace regsync
